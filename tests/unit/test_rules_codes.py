"""Codes and words that say nothing: GEN-05 and GEN-06 on a few rows."""

from tests.support.small_tables import found


def languages(*words):
    rows = [{"preference_id": n, "language": word} for n, word in enumerate(words)]
    return {key for _, key, reason in found("GEN-05", patient_preferences=rows) if reason == "SPELLING"}


def test_another_word_for_a_code_is_a_variant_even_where_the_code_itself_is_not_written():
    assert languages("English", "English", "Spanish", "zh", "fr") == {"3", "4"}
    assert languages("en", "en", "es", "English") == {"3"}


def test_a_blank_behind_the_only_row_of_a_code_is_a_variant():
    assert languages("English", "Spanish ") == {"1"}


def test_a_single_row_of_a_code_has_the_spelling_of_the_list():
    rows = [{"social_history_id": n, "tobacco_status": word} for n, word in enumerate(["NEVER", "former", "former"])]
    assert found("GEN-05", social_history=rows) == {("social_history", "0", "SPELLING")}


def test_none_is_a_code_where_the_list_has_it():
    rows = [{"social_history_id": n, "alcohol_use": word} for n, word in enumerate(["none", "none", "none ", "NONE"])]
    assert found("GEN-05", social_history=rows) == {("social_history", n, "SPELLING") for n in "23"}
    assert not found("GEN-06", social_history=rows)


def test_a_word_instead_of_a_date_is_a_placeholder():
    rows = [{"__key": n, "hire_date": text} for n, text in enumerate(["N/A", "2020-01-02", "0000-00-00", None])]
    named = {(key, reason) for _, key, reason in found("GEN-06", patient_employers=rows)}
    assert named == {("0", "PLACEHOLDER"), ("2", "ZERO")}
