#!/bin/bash
# A build on Slurm: `sbatch clusters/slurm.sh pipelines/cluster.yaml /shared/runs/cluster [OPTIONS OF docmatix build]`
# Reserves 64 GPUs: `--set generate.engine.replicas=64` uses them, where the model fits on one.
# Needs a checkout with `make install` on a file system that all nodes share, and vLLM in an environment of its own there.
# Sent again after a time limit or a lost node, the same job continues the build.
#SBATCH --job-name=docmatix
#SBATCH --nodes=8
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --gpus-per-node=8
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@120
set -euo pipefail
config=$1 run=$2
shift 2
# who has the token may run code as you on every node: a new one for each job, in a file that only you can read
token=$(umask 077 && mktemp "$HOME/.docmatix-ray-XXXXXXXX")
trap 'rm -f "$token"' EXIT
head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' > "$token"
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$token RAY_USAGE_STATS_ENABLED=0
export PATH="$PWD/.venv/bin:$PATH"   # `ray symmetric-run` calls `ray` by its name
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"   # a connection for each request in flight
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 20000))
# starts Ray on every node, runs the command on the head, and stops Ray with it
# (a step is bound to one CPU a task unless it says how many it wants)
srun --nodes="$SLURM_NNODES" --ntasks="$SLURM_NNODES" --cpus-per-task="$SLURM_CPUS_ON_NODE" \
    ray symmetric-run --address "$head:$port" --min-nodes "$SLURM_NNODES" -- \
    docmatix build "$config" --run "$run" "$@" &
trap 'kill -TERM %1; wait %1' TERM
wait %1
