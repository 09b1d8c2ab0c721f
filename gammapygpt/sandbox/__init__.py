"""Where scripts run: isolated, limited, in a worker that is started for one script and thrown away after it."""

from gammapygpt.sandbox.base import Limits, Sandbox, SelfCheck
from gammapygpt.sandbox.choose import Probe, limits, open_sandbox, probe

__all__ = ["Limits", "Probe", "Sandbox", "SelfCheck", "limits", "open_sandbox", "probe"]
