"""Forgets pictures: what they are, what is removed of them, and the receipt."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.forgetting.concerned_versions import check_something_serves, find_concerned
from pipeline.forgetting.forget_journal import ForgetJournal, read_journal, remove_journal
from pipeline.forgetting.forget_receipt import keep_receipt, now, read_receipts, signed
from pipeline.forgetting.forget_request import ForgetRequest
from pipeline.forgetting.forget_steps import ForgetPlan, kept_removals, plan_steps
from pipeline.forgetting.forgotten_pictures import ForgottenPictures, content_digest, decoded
from pipeline.forgetting.picture_search import find_pictures
from pipeline.installed_versions import PACKAGE, installed_version
from pipeline.retention.removal import Cleaned, add_up
from pipeline.retraining.acceptance import user_name
from pipeline.version_lookup import find_stores
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


@dataclass(frozen=True)
class ForgetOptions:
    """How to forget.

    Attributes:
        retires: Whether to retire the versions that were trained on the pictures.
        stops_serving: Whether to do so where no other version could serve.
        dry_run: Whether only to tell what would be removed.
    """

    retires: bool = False
    stops_serving: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Forgotten:
    """What was forgotten, or would be.

    Attributes:
        receipt: The receipt; of a dry run what it would say, without a digest.
        removed: What was removed, by kind.
        file: Path of the receipt in the workspace; None for a dry run.
        elsewhere: Files of the pictures in data and in the inbox that are still there.
    """

    receipt: dict[str, Any]
    removed: list[Cleaned]
    file: Path | None
    elsewhere: list[str]


def forget(
    workspace: Workspace,
    request: ForgetRequest,
    options: ForgetOptions,
    show: Callable[[Forgotten], None] = lambda _: None,
) -> list[Forgotten]:
    """Remove everything that a workspace holds of pictures.

    After a kill, any later call first finishes what had begun.

    Args:
        workspace: Workspace of the pictures.
        request: Which pictures.
        options: How to forget.
        show: Function to call with each result at once: what an earlier call has left is finished
            even if this request is refused then.

    Returns:
        What was forgotten: first what an earlier call has left unfinished, if it has.

    Raises:
        InputError: Nothing matches, a name means several pictures, no version could serve, or
            another process uses the workspace.
        UnavailableError: Something that names pictures is damaged.
        OSError: Something cannot be removed.
    """
    with workspace.lock():
        results = []
        for forgotten in _forget_all(workspace, request, options):
            results.append(forgotten)
            show(forgotten)
        return results


def _forget_all(
    workspace: Workspace, request: ForgetRequest, options: ForgetOptions
) -> Iterator[Forgotten]:
    unfinished = read_journal(workspace)
    if unfinished and unfinished.request != request and not options.dry_run:
        finishing = ForgetOptions(stops_serving=options.stops_serving)
        yield _forget_one(workspace, unfinished.request, finishing, unfinished)
        unfinished = None
    elif unfinished and unfinished.request != request:
        unfinished = None
    yield _forget_one(workspace, request, options, unfinished)


def _forget_one(
    workspace: Workspace,
    request: ForgetRequest,
    options: ForgetOptions,
    unfinished: ForgetJournal | None,
) -> Forgotten:
    pictures = find_pictures(request, workspace)
    if unfinished:
        pictures |= unfinished.pictures
        options = replace(
            options,
            retires=options.retires or unfinished.retires,
            stops_serving=options.stops_serving or unfinished.stops_serving,
        )
    plan = _plan(workspace, request, pictures, options, unfinished)
    if not (plan.is_known or unfinished):
        raise InputError(
            f"{request}: workspace {workspace.root} knows no such picture. carryover history lists "
            "batches, and reports name pictures."
        )
    planned = kept_removals(plan, workspace)
    journal = _journal(request, plan, options, planned, unfinished)
    elsewhere = _elsewhere(pictures, workspace)
    if options.dry_run:
        return Forgotten(_receipt(journal, workspace), journal.removed, None, elsewhere)
    journal.write(workspace)
    for step in plan.steps:
        step.carry_out()
    receipt = signed(_receipt(journal, workspace))
    file = keep_receipt(workspace, receipt)
    remove_journal(workspace)
    return Forgotten(receipt, journal.removed, file, elsewhere)


def _plan(
    workspace: Workspace,
    request: ForgetRequest,
    pictures: ForgottenPictures,
    options: ForgetOptions,
    unfinished: ForgetJournal | None,
) -> ForgetPlan:
    begun = unfinished.versions if unfinished else []
    known = _trained_before(workspace, request, begun)
    versions = find_concerned(workspace.root, pictures, known)
    retired = [one for one in versions if options.retires and one.is_trained]
    if not options.stops_serving:
        check_something_serves(retired)
    gone = {(one["model"], one["version"]) for one in begun if one["is_retired"]}
    planned = unfinished.planned if unfinished else []
    return plan_steps(workspace, pictures, versions, retired, gone, planned)


def _trained_before(
    workspace: Workspace, request: ForgetRequest, begun: list[dict[str, Any]]
) -> set[tuple[str, int]]:
    """Return the versions that earlier calls for the same name have found, and not retired.

    Args:
        workspace: Workspace with the receipts.
        request: What to forget.
        begun: Versions that a call has found that was killed.
    """
    found = [
        version
        for receipt in read_receipts(workspace)
        if receipt["request"] == request.as_receipt()
        for version in receipt["versions"]
    ]
    trained = [one for one in [*found, *begun] if one["is_trained_on_them"]]
    retired = {(one["model"], one["version"]) for one in trained if one["is_retired"]}
    return {(one["model"], one["version"]) for one in trained} - retired


def _journal(
    request: ForgetRequest,
    plan: ForgetPlan,
    options: ForgetOptions,
    planned: list[tuple[str, str]],
    unfinished: ForgetJournal | None,
) -> ForgetJournal:
    """Return the journal; of what was unfinished, it says what there was at its begin, too."""
    removed = add_up((step, step.size()) for step in plan.steps)
    versions = [one.as_receipt(one in plan.retired) for one in plan.versions]
    started = now()
    if unfinished:
        started = unfinished.started_at
        removed = _largest([*unfinished.removed, *removed])
        versions = _merged(unfinished.versions, versions)
    return ForgetJournal(
        request,
        plan.pictures,
        options.retires,
        options.stops_serving,
        started,
        removed,
        versions,
        planned,
    )


def _merged(before: list[dict[str, Any]], versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what a receipt says of versions: what was found first, and what is retired since."""
    merged = {(one["model"], one["version"]): one for one in before}
    for one in versions:
        first = merged.setdefault((one["model"], one["version"]), one)
        first["is_retired"] = first["is_retired"] or one["is_retired"]
    return list(merged.values())


def _largest(removed: list[Cleaned]) -> list[Cleaned]:
    """Return the largest number and size of every kind: of two counts of the same things."""
    kinds: dict[str, Cleaned] = {}
    for one in removed:
        other = kinds.get(one.kind, one)
        kinds[one.kind] = Cleaned(one.kind, max(one.count, other.count), max(one.size, other.size))
    return list(kinds.values())


def _receipt(journal: ForgetJournal, workspace: Workspace) -> dict[str, Any]:
    """Return what a receipt says. It names no picture: the names may be those of people."""
    serving = {store.name: store.newest() for store in find_stores(workspace.root)}
    return {
        "product": f"{PACKAGE} {installed_version(PACKAGE) or '(not installed)'}",
        "started_at": journal.started_at,
        "finished_at": now(),
        "user": user_name(),
        "request": journal.request.as_receipt(),
        "pictures": sorted(one.hex() for one in journal.pictures.contents),
        "removed": [
            {"what": one.kind, "count": one.count, "bytes": one.size} for one in journal.removed
        ],
        "versions": journal.versions,
        "serving": serving,
    }


def _elsewhere(pictures: ForgottenPictures, workspace: Workspace) -> list[str]:
    """Return the files of the pictures that are still there: in data, and in the inbox.

    Both may be in the workspace. Copies of batches are not named: they are removed.
    """
    locations = {workspace.root / one for one in decoded(pictures.locations)}
    paths = locations.union(Path(one) for one in pictures.names if one.startswith("/"))
    outside = (one for one in paths if not one.is_relative_to(workspace.batches))
    return sorted(str(one) for one in outside if _is_one_of(one, pictures))


def _is_one_of(file: Path, pictures: ForgottenPictures) -> bool:
    """Return whether a file is one of the pictures. One that cannot be read may be."""
    # Unlike Path.is_file, this does not raise for a name that is too long.
    if not os.path.isfile(file):  # noqa: PTH113
        return False
    try:
        return content_digest(file) in pictures.contents
    except OSError:
        return True
