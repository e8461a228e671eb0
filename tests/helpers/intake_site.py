"""An inbox and a workspace for intakes, without a model."""

from pathlib import Path

from tiny_pictures import solid

from components.pusher.version_store import VersionStore
from pipeline.config.retraining_options import RetrainOptions
from pipeline.logs.command_log import CommandLog
from pipeline.retraining.batch import Batch
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.deliveries.delivery_faults import DeliveryGuard
from pipeline.retraining.deliveries.delivery_intake import DeliveryIntake, IntakeResult
from pipeline.retraining.deliveries.process_deaths import ProcessDeaths
from pipeline.retraining.ledger import Ledger


class IntakeSite:
    """An inbox and a workspace without a model."""

    def __init__(self, root: Path) -> None:
        self.inbox, self.pictures, self.workspace = (root / name for name in ("in", "pics", "ws"))
        for folder in (self.inbox, self.pictures, self.workspace):
            folder.mkdir()
        for number in range(3):
            (self.pictures / f"{number}.png").write_bytes(solid((number, 0, 0)))
        self.store = BatchStore(self.workspace / "batches", max_file_bytes=10_000)

    def take(self, *allowed: str) -> dict[str, IntakeResult]:
        """Run an intake; return the results by name."""
        ledger, guard = Ledger(self.workspace), self.guard()
        options = RetrainOptions(inbox=self.inbox, quiet_seconds=0, allowed_roots=list(allowed))
        deaths = ProcessDeaths(self.workspace / "batches")
        versions = VersionStore(self.workspace, "m")
        intake = DeliveryIntake(options, ledger, self.store, versions, guard, deaths)
        results = [*intake.take_all(), *intake.take_suspects()]
        return {result.name: result for result in results}

    def batches(self) -> list[Batch]:
        """Return the batches in the ledger."""
        return Ledger(self.workspace).batches()

    def guard(self) -> DeliveryGuard:
        """Return what turns errors of a delivery into its outcome."""
        return DeliveryGuard(self.workspace / "log", CommandLog("retrain", self.workspace))

    def state(self, name: str) -> tuple[str, str]:
        """Return the state of the newest batch of a name, and the reason."""
        batch = Ledger(self.workspace).newest(name)
        assert batch
        return batch.state, batch.reason

    def manifest(self, *paths: str, name: str = "m.csv") -> None:
        """Deliver a manifest of pictures of one class."""
        rows = [f"{path},day,red\n" for path in paths]
        (self.inbox / name).write_text("path,domain,label\n" + "".join(rows))
