"""What docmatix makes of a model server: the cost of its own work, the balance over several servers, tokens per second.

    python -m benchmarks.serving overhead     # against a bare client: one server that answers after a fixed 0.2 s
    python -m benchmarks.serving balance      # two servers, one of them five times slower
    python -m benchmarks.serving vllm ...     # vLLM on GPUs or on the CPU, against a bare client (`vllm --help`)

Each prints a table. Both sides of a ratio are measured in one run, in turn, at the server.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pyarrow.parquet as pq
import yaml

from benchmarks.fixed_server import start_fixed_server
from docmatix.config.loading import load_config
from docmatix.core.errors import DocmatixError
from tests.pdfs import write_distinct_text, write_pdf

ROOT = Path(__file__).resolve().parent.parent
BROAD = ["broad_whole", "broad_sections", "broad_critical", "broad_details", "broad_general"]


# --- builds and clients -----------------------------------------------------------------------------------------------


def write_documents(folder: Path, count: int, *, texts: int = 1) -> None:
    """One page each, no two alike: `texts` notes about deliveries, of about 85 words each."""
    folder.mkdir()
    for number in range(count):
        text = "\n\n".join(write_distinct_text(texts * number + part) for part in range(texts))
        (folder / f"{number:05d}.pdf").write_bytes(write_pdf(text, fontsize=8))


def build(config: dict[str, Any], run: Path, *, stages: str, limit: int | None = None) -> None:
    """`docmatix build`, as a person would call it; `generate` is built anew."""
    path = run.with_suffix(".yaml")
    path.write_text(yaml.safe_dump(config))
    shutil.rmtree(run / "generate", ignore_errors=True)
    command = [sys.executable, "-m", "docmatix", "build", str(path), "--run", str(run), "--stages", stages]
    command += [] if limit is None else ["--limit", str(limit)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the build failed:\n{done.stdout}")


def read_bodies(run: Path) -> list[str]:
    """The body of every request of a run, in the order of its documents."""
    parts = sorted((run / "generate").glob("part-*.parquet"))
    return [body for part in parts for body in pq.read_table(part, columns=["body"])["body"].to_pylist() if body]


def send_bare(address: str, bodies: Path, *, in_flight: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.bare_client", address, str(bodies), str(in_flight)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def fetch(url: str, *, method: str = "GET") -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as response:
        return json.loads(response.read())


def measure_rate(address: str, *, requests: int) -> float:
    """Answers per second since the server was told to forget, without the first tenth of them: while they are given, a
    second worker is still to come, and Ray's own processes are busy starting."""
    record = fetch(f"{address}/record")
    answers = record["answers"]
    if len(answers) != requests or record["left"]:
        raise SystemExit(f"{len(answers)} answers and {record['left']} given up, instead of {requests} answers")
    first = requests // 10
    return float((requests - first) / (answers[-1] - answers[first - 1]))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("| --- |" + " ---: |" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


# --- overhead ---------------------------------------------------------------------------------------------------------

LEAST_REQUESTS = 3000
WAVES = 48
"""Requests of a build for each that is in flight: its first and last are not at full speed, and a tenth of these is
what is answered until a second worker is there."""


def configure(pdfs: Path, in_flight: int) -> dict[str, Any]:
    """What `pipelines/cluster.yaml` says of shards and workers; a second worker sends where one has too much to do."""
    return {
        "name": "overhead",
        "source": {"kind": "files", "paths": [str(pdfs)]},
        "plan": {"documents_per_shard": 256},
        "generate": {
            "engine": {
                "kind": "openai",
                "model": "fixed",
                "base_url": "http://127.0.0.1/v1",
                "max_in_flight": in_flight,
            },
            "prompts": BROAD,
        },
        "resources": {"generate_workers": 2 if in_flight > 256 else 1, "shards_in_flight": 8},
    }


def measure_overhead(
    in_flights: Sequence[int], *, rounds: int, texts: int, folder: Path, delay_s: float = 0.2, events: int | None = None
) -> None:
    """A table: requests per second of builds and of the bare client, at each number in flight."""
    counts = {in_flight: max(LEAST_REQUESTS, WAVES * in_flight) for in_flight in in_flights}
    pdfs = folder / "pdfs"
    write_documents(pdfs, max(counts.values()), texts=texts)
    rows = []
    with start_fixed_server(delay_s=delay_s, events=events) as address:
        for in_flight, requests in counts.items():
            config = configure(pdfs, in_flight)
            config["generate"]["engine"]["base_url"] = f"{address}/v1"
            run = folder / f"run{requests}"
            if not run.exists():
                build(config, run, stages="plan,extract,dedup", limit=requests)
            rates = [
                measure_round(address, config, run, requests=requests, first="bare" if number % 2 else "build")
                for number in range(rounds)
            ]
            ratios = [rate["build"] / rate["bare"] for rate in rates]
            medians = [statistics.median(rate[side] for rate in rates) for side in ("build", "bare")]
            spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
            rows.append(
                [str(in_flight), *(f"{rate:.0f}" for rate in medians), f"{statistics.median(ratios):.3f}", spread]
            )
    print_table(["in flight", "build, requests/s", "bare client, requests/s", "ratio", f"in {rounds} rounds"], rows)


def measure_round(address: str, config: dict[str, Any], run: Path, *, requests: int, first: str) -> dict[str, float]:
    """Answers per second of a build and of the bare client. Who is second must not always be the one who finds the
    machine warm, or loaded."""
    in_flight = config["generate"]["engine"]["max_in_flight"]
    bodies = run.with_suffix(".jsonl")
    rates, stolen = {}, {}
    for side in ("build", "bare") if first == "build" else ("bare", "build"):
        fetch(f"{address}/forget", method="POST")
        began = psutil.cpu_times()
        if side == "build":
            build(config, run, stages="generate")
            if not bodies.exists():
                bodies.write_text("".join(f"{body}\n" for body in read_bodies(run)))
        else:
            send_bare(address, bodies, in_flight=in_flight)
        rates[side] = measure_rate(address, requests=requests)
        stolen[side] = measure_stolen(began, psutil.cpu_times())
    told = ", ".join(
        f"{name} {rates[side]:.1f}/s ({stolen[side]:.0%} stolen)"
        for side, name in (("build", "build"), ("bare", "bare client"))
    )
    print(f"{in_flight} in flight: {told}, ratio {rates['build'] / rates['bare']:.3f}", file=sys.stderr)
    return rates


def measure_stolen(began: Any, ended: Any) -> float:
    """The share of the processors' busy time that other guests of the host had: at 512 in flight the build is busy on
    all of two cores, the bare client on one, and what is taken from them is missing to the build alone."""

    def count_busy(times: Any) -> float:
        return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))

    taken = getattr(ended, "steal", 0.0) - getattr(began, "steal", 0.0)
    spent = count_busy(ended) - count_busy(began)
    return float(taken / spent) if spent else 0.0


# --- balance ----------------------------------------------------------------------------------------------------------


def measure_balance(*, requests: int, slots: int, folder: Path) -> None:
    write_documents(folder / "pdfs", requests)
    rows = []
    with start_fixed_server(delay_s=0.1, slots=slots) as fast, start_fixed_server(delay_s=0.5, slots=slots) as slow:
        for in_flight in (slots, 2 * slots, 3 * slots, 8 * slots):
            config = {
                "name": "balance",
                "source": {"kind": "files", "paths": [str(folder / "pdfs")]},
                "generate": {
                    "engine": {
                        "kind": "openai",
                        "model": "fixed",
                        "base_url": [f"{fast}/v1", f"{slow}/v1"],
                        "max_in_flight": in_flight,
                    },
                    "prompts": BROAD,
                },
            }
            for address in (fast, slow):
                fetch(f"{address}/forget", method="POST")
            build(config, folder / "run", stages="plan,extract,dedup,generate")
            records = [fetch(f"{address}/record") for address in (fast, slow)]
            rows.append(describe_balance(in_flight, records, slots=slots))
    print_table(
        ["in flight", "requests/s", "of both", "fast", "slow", "waits while fast has room", "called back"], rows
    )


def describe_balance(in_flight: int, records: Sequence[dict[str, Any]], *, slots: int) -> list[str]:
    fast, slow = records
    first = min(record["first"] for record in records if record["first"])
    last = max(record["answers"][-1] for record in records if record["answers"])
    rate = sum(len(record["answers"]) for record in records) / (last - first)
    idle_s = sum(
        end - start
        for start, end, running, waiting in overlay(fast["changes"], slow["changes"], end=last)
        if waiting and running < slots
    )
    return [
        str(in_flight),
        f"{rate:.1f}",
        f"{rate / (slots / 0.1 + slots / 0.5):.2f}",
        str(len(fast["answers"])),
        str(len(slow["answers"])),
        f"{idle_s / (last - first):.2%}",
        str(slow["left"]),
    ]


def overlay(
    fast: Sequence[Sequence[float]], slow: Sequence[Sequence[float]], *, end: float
) -> Iterator[tuple[float, float, float, float]]:
    """Spans of time in which nothing changed: start, end, what the fast one runs, what waits for the slow one."""
    changes = sorted([(time, 0, running) for time, running, _ in fast] + [(time, 1, waits) for time, _, waits in slow])
    now = [0.0, 0.0]
    for index, (time, which, count) in enumerate(changes):
        now[which] = count
        following = changes[index + 1][0] if index + 1 < len(changes) else end
        yield time, following, now[0], now[1]


# --- vLLM -------------------------------------------------------------------------------------------------------------

VLLM_HELP = """\
Tokens per second of vLLM replicas, for a build and for a bare client that sends the same bodies to the same replicas.

With a configuration of your own, source and all:

    python -m benchmarks.serving vllm --config pipelines/cluster.yaml --limit 2000

With one GPU, the sample PDFs, and a model of your choice:

    python -m benchmarks.serving vllm --model Qwen/Qwen3-8B --python /opt/vllm/bin/python

Without a GPU (after `make test-vllm`, which makes the environment and the model):

    python -m benchmarks.serving vllm --model .cache/smollm2-135m --python .venv-vllm/bin/python \\
        --set generate.engine.gpus_per_replica=0 --set generate.engine.max_model_len=2048 \\
        --set generate.engine.max_in_flight=16 --set 'generate.prompts=[extractive]' \\
        --set 'generate.engine.extra_args=["--enforce-eager", "--max-num-seqs", "16"]' \\
        --set 'generate.engine.env={VLLM_CPU_KVCACHE_SPACE: "1"}'

Figures of a GPU mean something with some thousand requests: give a source with enough documents.
"""


def measure_vllm(options: argparse.Namespace, *, folder: Path) -> None:
    from benchmarks.replicas import describe_sides, measure_replicas

    path = options.config
    if path is None:
        if options.model is None:
            raise SystemExit("Give --config, or --model and --python: see `python -m benchmarks.serving vllm --help`.")
        engine = {"kind": "vllm", "model": options.model, "python": options.python}
        if Path(options.model).is_dir():
            engine["model"] = str(Path(options.model).resolve())
        if options.python:
            engine["python"] = str(Path(options.python).absolute())
        path = folder / "vllm.yaml"
        content = {
            "name": "vllm",
            "source": {"kind": "files", "paths": [str(ROOT / "samples" / "*.pdf")]},
            "plan": {"documents_per_shard": 2},
            "generate": {"engine": engine},
        }
        path.write_text(yaml.safe_dump(content))
    try:
        config = load_config(path, overrides=options.set)
        sides = measure_replicas(
            config,
            folder / "run",
            config_dir=path.parent,
            limit=options.limit,
            rounds=options.rounds,
            read_bodies=read_bodies,
        )
    except DocmatixError as error:
        raise SystemExit(str(error)) from None
    replicas = getattr(config.generate.engine, "replicas", 1)
    print_table([config.generate.engine.model_name, "build", "bare client"], describe_sides(sides, replicas=replicas))


# --- the command line -------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description=(__doc__ or "").split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    overhead = verbs.add_parser("overhead", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    overhead.add_argument("--in-flight", type=int, nargs="+", default=[8, 64, 512])
    overhead.add_argument("--texts", type=int, default=2, help="texts of some 85 words on the page of each document")
    overhead.add_argument("--delay", type=float, default=0.2, help="seconds that an answer takes")
    overhead.add_argument("--events", type=int, help="events in which a stream comes to a build (default: no streams)")
    overhead.add_argument("--rounds", type=int, default=3, help="builds, each with a run of the bare client")
    balance = verbs.add_parser("balance", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    balance.add_argument("--requests", type=int, default=1500)
    balance.add_argument("--slots", type=int, default=8, help="requests that each server works on at once")
    vllm = verbs.add_parser(
        "vllm",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=VLLM_HELP,
    )
    vllm.add_argument("--config", type=Path, help="a configuration of a build; its engine must be of the kind vllm")
    vllm.add_argument("--model", help="without --config: a folder or a repository, as vLLM takes it")
    vllm.add_argument("--python", help="without --config: the interpreter of an environment with vLLM")
    vllm.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as in `docmatix build`")
    vllm.add_argument("--limit", type=int, help="at most so many documents (default: all that the source has)")
    vllm.add_argument("--rounds", type=int, default=2, help="builds, each with a run of the bare client (default: 2)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.verb == "overhead":
            measure_overhead(
                options.in_flight,
                rounds=options.rounds,
                texts=options.texts,
                folder=Path(folder),
                delay_s=options.delay,
                events=options.events,
            )
        elif options.verb == "vllm":
            measure_vllm(options, folder=Path(folder))
        else:
            measure_balance(requests=options.requests, slots=options.slots, folder=Path(folder))


if __name__ == "__main__":
    main()
