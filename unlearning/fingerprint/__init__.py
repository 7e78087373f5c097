"""Where the same bits hold: by what the code does, and in which environment.

determinism       TensorFlow's settings
environment       versions, processor, variables; `keras_settings` and `module_imports`
devices           a graphics card, where one was asked for
code_fingerprint  what the code that trains does, as one digest
normal_form       how a definition is written down for it; `source_names` what names lead to
equivalent        older code that gives the same bits
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.fingerprint.code_fingerprint import code_digest
    from unlearning.fingerprint.determinism import pin_tensorflow
    from unlearning.fingerprint.devices import must_be_there, on_device, take_device
    from unlearning.fingerprint.equivalent import same_code
else:
    __getattr__ = lazily(
        __name__,
        {
            "code_fingerprint": ("code_digest",),
            "determinism": ("pin_tensorflow",),
            "devices": ("must_be_there", "on_device", "take_device"),
            "equivalent": ("same_code",),
        },
    )

__all__ = [
    "code_digest",
    "environment",
    "module_imports",
    "must_be_there",
    "on_device",
    "pin_tensorflow",
    "same_code",
    "take_device",
]
