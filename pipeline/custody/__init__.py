"""Custody: signed heads of the audit chain, proofs for outsiders, exports that name nobody."""
