"""Finds people and groups by the beginning of a word, at a cost that does not grow with how many there are."""

import re
import unicodedata

from sqlalchemy import ColumnElement, Select, delete, func, insert, select
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import aliased

from cerberus.errors import Invalid
from cerberus.policy import SubjectKind
from cerberus.store.tables import SubjectRow, SubjectWordRow

LONGEST = 64
FEW = 1000
"""So many can be looked at one by one; and of two words that both find more, most of the first page holds both."""

LAST = "\U0010ffff"
"""No word holds it, so every word with a beginning lies before the beginning followed by it."""

Word = type[SubjectWordRow]


def split(text: str) -> frozenset[str]:
    """
    The words of a text: in lower case, compatible spellings alike, cut at 64 characters.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return frozenset(word[:LONGEST] for word in re.split(r"[\W_]+", folded) if word)


def words_of(name: str, display_name: str) -> frozenset[str]:
    """
    What a subject is found by: its whole name, and the words of name and display name.
    """
    return split(f"{name} {display_name}") | {name[:LONGEST]}


def write(session: OrmSession, row: SubjectRow) -> None:
    """
    Stores the words of a new or renamed subject in place of those it had.
    """
    session.execute(delete(SubjectWordRow).where(SubjectWordRow.subject_id == row.id))
    words = [{"word": word, "subject_id": row.id} for word in sorted(words_of(row.name, row.display_name))]
    session.execute(insert(SubjectWordRow), words)


def matching(
    session: OrmSession, text: str, *, limit: int, after: str | None, kind: SubjectKind | None = None
) -> list[SubjectRow]:
    """
    Subjects that for each word of `text` have a word that begins with it, in the order of the words found by the
    longest one that finds few; those after the subject of the name `after`. Nobody for a text without words.
    """
    if not (words := split(text)):
        return []
    first, *others = _in_order(session, words)
    found = aliased(SubjectWordRow)
    query = _each_once(found, first).limit(limit)
    for word in others:
        query = query.where(_has(aliased(SubjectWordRow), word, found))
    if kind is not None:
        query = query.where(
            select(SubjectRow.id).where(SubjectRow.id == found.subject_id, SubjectRow.kind == kind).exists()
        )
    if after is None:
        query = query.where(_begins(found, first))
    else:
        query = query.where(_goes_on(found, first, *_place(session, first, after)))
    ids = session.scalars(query).all()
    rows = {row.id: row for row in session.scalars(select(SubjectRow).where(SubjectRow.id.in_(ids)))} if ids else {}
    return [rows[subject_id] for subject_id in ids if subject_id in rows]


def _in_order(session: OrmSession, words: frozenset[str]) -> list[str]:
    """
    The words, that one first by which to find: the longest that finds few.
    """
    wanted = sorted(words, key=lambda word: (-len(word), word))
    if len(wanted) > 1:
        first = next((word for word in wanted if _finds_few(session, word)), wanted[0])
        wanted.sort(key=lambda word: word != first)
    return wanted


def _each_once(found: Word, first: str) -> Select[int]:
    # Of the words alone, in the order of their index: a join could make the database gather everybody first.
    earlier = aliased(SubjectWordRow)
    return (
        select(found.subject_id)
        .where(~_has(earlier, first, found, earlier.word < found.word))  # each subject once: at its first word
        .order_by(found.word, found.subject_id)
    )


def _begins(words: Word, beginning: str) -> ColumnElement[bool]:
    return (words.word >= beginning) & (words.word < beginning + LAST)


def _has(words: Word, beginning: str, found: Word, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    mine = words.subject_id == found.subject_id
    return select(words.word).where(mine, _begins(words, beginning), *more).correlate_except(words).exists()


def _goes_on(words: Word, beginning: str, word: str, subject_id: int) -> ColumnElement[bool]:
    # One lower bound and no other: SQLite starts at the first that it is told of.
    further = (words.word > word) | (words.subject_id > subject_id)
    return (words.word >= word) & (words.word < beginning + LAST) & further


def _finds_few(session: OrmSession, beginning: str) -> bool:
    found = select(SubjectWordRow.word).where(_begins(SubjectWordRow, beginning)).limit(FEW).subquery()
    return (session.scalar(select(func.count()).select_from(found)) or 0) < FEW


def _place(session: OrmSession, beginning: str, name: str) -> tuple[str, int]:
    found = session.execute(
        select(SubjectWordRow.word, SubjectWordRow.subject_id)
        .join(SubjectRow, SubjectRow.id == SubjectWordRow.subject_id)
        .where(SubjectRow.name == name)
    ).all()
    words = sorted(row.word for row in found if row.word.startswith(beginning))
    if not words:
        raise Invalid("Whoever that page ended with is gone: begin the list anew.", field="after")
    return words[0], found[0].subject_id
