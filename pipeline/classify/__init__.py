"""Classification: from what the model says of a text to what is decided, with reasons.

>>> decision = decide(model.read([text])[0], text=text, rules=model.rules)          # doctest: +SKIP
>>> [v.id for v in decision.violations if v.decided]                                # doctest: +SKIP
['enforced_disappearance']
"""

from pipeline.classify.decide import Decision, decide
from pipeline.classify.model import ReportModel
from pipeline.classify.rules import DecisionRules

__all__ = ["Decision", "DecisionRules", "ReportModel", "decide"]
