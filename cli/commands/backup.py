"""`molt backup`, `molt backups`, `molt restore`: a home into a repository, and back."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.edge import CommandError
from molt.cli.home import existing_home
from molt.cli.invocation import Invocation
from molt.cli.output import Listing, write_error
from molt.cli.progress import Progress, shown_progress

if TYPE_CHECKING:
    from molt.engine.backup.manifest import Backup
    from molt.engine.backup.progress import OnFile as Told
    from molt.engine.backup.repository import Repository
    from molt.engine.settings import Settings


def backup(
    call: Invocation,
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="Directory of backups; made where it is missing.")
    ],
    *,
    collection: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this collection; may be given several times."),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Afterwards remove all but the N newest backups."),
    ] = None,
) -> None:
    """Back up a home that may be in use; what an earlier backup holds is not copied again.

    Exits with 1 where something was damaged: it is named, and the rest is backed up.
    """
    from molt.engine.backup.backup import back_up

    settings = existing_home(call)
    with shown_progress(call) as progress:
        done = back_up(
            settings,
            _repository(destination),
            names=collection or (),
            keep=keep,
            progress=_told(progress),
        )
    outcome = {"event": "done", **_described(done.backup)}
    outcome |= {"copied_bytes": done.copied, "pruned": list(done.pruned)}
    call.show(outcome, lambda: _listing([done.backup]))
    for problem in done.backup.problems:
        write_error(f"{problem}; it was left out of the backup")
    if done.backup.problems:
        raise typer.Exit(1)


def backups(
    call: Invocation,
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Directory of backups.")],
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every file and compare its checksum.")
    ] = False,
) -> None:
    """List backups, oldest first. Exits with 1 where one is found to be damaged."""
    repository = _repository(source)
    found, problems = _survey(repository, verify=verify)
    call.show(
        {"backups": [_described(each) for each in found], "problems": problems},
        lambda: _listing(found),
    )
    for problem in problems:
        write_error(problem)
    if problems:
        raise typer.Exit(1)


def restore(
    call: Invocation,
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Directory of backups.")],
    *,
    backup: Annotated[
        str | None, typer.Option(metavar="ID", help="Which backup; by default the newest.")
    ] = None,
    collection: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this collection, with --as.")
    ] = None,
    as_: Annotated[
        str | None,
        typer.Option("--as", metavar="NEW", help="Its name in the home, which is there already."),
    ] = None,
) -> None:
    """Restore a whole home into an empty directory, or one collection beside others.

    Every file is verified on its way; where one is damaged, nothing is restored.
    """
    repository = _repository(source)
    chosen = repository.newest() if backup is None else repository.read(backup)
    if (collection is None) != (as_ is None):
        raise CommandError("--collection NAME and --as NEW go together; give both or neither")
    with shown_progress(call) as progress:
        if collection is None or as_ is None:
            home = _restored_home(call, repository, chosen, progress)
            names = [each.name for each in chosen.collections]
        else:
            settings = existing_home(call)
            home, names = settings.home, [as_]
            _add(repository, chosen, settings, name=collection, new_name=as_, progress=progress)
    call.show(
        {"event": "done", "home": str(home), "backup": chosen.id, "collections": names},
        lambda: Listing(("backup", "home", "collections"), [(chosen.id, home, " ".join(names))]),
    )
    for problem in chosen.problems:
        call.note(f"left out when it was backed up: {problem}")


def _repository(root: Path) -> "Repository":
    from molt.engine.backup.repository import Repository

    return Repository(root)


def _restored_home(
    call: Invocation, repository: "Repository", chosen: "Backup", progress: Progress
) -> Path:
    from molt.engine.backup.restoring import restore_home

    settings = call.settings()
    if settings.catalog_url is not None:
        raise CommandError(
            "a home is restored with its catalog inside, but catalog_url names another one; unset "
            "MOLT_CATALOG_URL and restore again"
        )
    restore_home(repository, chosen, settings.home, progress=_told(progress))
    return settings.home


def _add(  # noqa: PLR0913  each by name
    repository: "Repository",
    chosen: "Backup",
    settings: "Settings",
    *,
    name: str,
    new_name: str,
    progress: Progress,
) -> None:
    from molt.engine.backup.adding import restore_collection

    restore_collection(
        repository, chosen, settings, name=name, new_name=new_name, progress=_told(progress)
    )


def _survey(repository: "Repository", *, verify: bool) -> "tuple[list[Backup], list[str]]":
    """The backups that can be read, and what is wrong with any; each object is read once."""
    from molt.artifact import ArtifactError

    found: list[Backup] = []
    problems: list[str] = []
    verified: set[str] = set()
    for backup_id in repository.ids():
        try:
            found.append(repository.read(backup_id))
        except ArtifactError as error:
            problems.append(str(error))
    for each in found if verify else ():
        for path, entry in each.files.items():
            if entry.sha256 not in verified:
                verified.add(entry.sha256)
                try:
                    repository.objects.verify(path, entry)
                except ArtifactError as error:
                    problems.append(f"backup {each.id}: {error}")
    return found, problems


def _told(progress: Progress) -> "Told":
    return lambda stage, done, total: progress.report(stage, done, total=total)


def _described(backup: "Backup") -> dict[str, Any]:
    return {
        "backup": backup.id,
        "created_at": backup.created_at,
        "version": backup.version,
        "files": len(backup.files),
        "bytes": backup.size,
        "collections": backup.collections,
        "problems": backup.problems,
    }


def _listing(backups: "list[Backup]") -> Listing:
    return Listing(
        ("backup", "collections", "documents", "files", "bytes", "problems"),
        [
            (
                each.id,
                " ".join(one.name for one in each.collections),
                sum(one.documents for one in each.collections),
                len(each.files),
                each.size,
                len(each.problems),
            )
            for each in backups
        ],
        empty="No backups yet.",
    )
