"""What may be shown: suppression of small counts, refusal of identifying columns, and the search for leaks."""

from ennu_lib.report.masking.canaries import scan_canaries
from ennu_lib.report.masking.files import scan_file
from ennu_lib.report.masking.identifiers import TELLING, learn_identifiers, refuse_identifiers
from ennu_lib.report.masking.personal_data import Hit, scan
from ennu_lib.report.masking.safe_counts import MARK, SafeCounts, footnote, masked_count, masked_ratio, suppress
from ennu_lib.report.masking.sentences import counts_things, masked_sentence
from ennu_lib.report.masking.suppression import LIMIT, withheld_cells
from ennu_lib.report.masking.values import WITHHELD, forget_values, learn_values, withhold_values

__all__ = [
    "LIMIT",
    "MARK",
    "TELLING",
    "WITHHELD",
    "Hit",
    "SafeCounts",
    "counts_things",
    "footnote",
    "forget_values",
    "learn_identifiers",
    "learn_values",
    "masked_count",
    "masked_ratio",
    "masked_sentence",
    "refuse_identifiers",
    "scan",
    "scan_canaries",
    "scan_file",
    "suppress",
    "withheld_cells",
    "withhold_values",
]
