"""Why rows are left out of a dataset, as its account calls it."""

from typing import Final

AFTER_AS_OF: Final = "after_as_of"
HOUR_EXCLUDED: Final = "hour_excluded"
DATA_FAULT: Final = "data_fault"
CANARY: Final = "canary"
SEGMENT: Final = "segment"
TOO_YOUNG: Final = "too_young"
ACTUAL_AFTER_AS_OF: Final = "actual_after_as_of"
NO_ACTUAL: Final = "no_actual"
MISFIT_ACTUAL: Final = "misfit_actual"
SAMPLED_OUT: Final = "sampled_out"

ORIGINAL_NOT_BEFORE_START: Final = "original_not_before_start"
ORIGINAL_SEGMENT: Final = "original_segment"
ORIGINAL_NO_ACTUAL: Final = "original_no_actual"
ORIGINAL_SAMPLED_OUT: Final = "original_sampled_out"
"""Of original training data; all others are of captured rows."""

SPANS_SPLIT: Final = "spans_split"
"""Of rows whose unit begins in one part and ends in another (``splitting``)."""

IN_WORDS: Final = {
    AFTER_AS_OF: "came after `as_of`",
    HOUR_EXCLUDED: "of an hour that the recipe leaves out",
    DATA_FAULT: "of hours under an alert that looks like a fault in the data",
    CANARY: "asked to see whether the app is alive",
    SEGMENT: "of another segment",
    TOO_YOUNG: "so young at `as_of` that its actual may still come",
    ACTUAL_AFTER_AS_OF: "what turned out was known only at `as_of` or later",
    NO_ACTUAL: "it is not known what turned out",
    MISFIT_ACTUAL: "what turned out is nothing that the model could answer",
    SAMPLED_OUT: "not drawn",
    ORIGINAL_NOT_BEFORE_START: "original training data that is not known to be from before the first hour",
    ORIGINAL_SEGMENT: "original training data of another segment",
    ORIGINAL_NO_ACTUAL: "original training data without what turned out",
    ORIGINAL_SAMPLED_OUT: "original training data that was not drawn",
    SPANS_SPLIT: "belongs with rows of more than one part",
}
