"""The pretended cluster itself: its jobs have devices of their own, and a restarted controller knows them."""

from slurm_cluster import GPU_NODES, GPUS


def test_jobs_that_run_at_once_have_a_node_and_device_of_their_own(slurm, tmp_path):
    count = len(GPU_NODES) * GPUS
    for number in range(count):
        line = f"echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES > {tmp_path}/{number}; sleep 60"
        slurm.command("sbatch", "--gpus=1", "--mem=1", "--output=/dev/null", "--wrap", line)
    slurm.wait_until(lambda: len(list(tmp_path.iterdir())) == count, "all jobs at work")
    slurm.wait_until(lambda: all(path.read_text() for path in tmp_path.iterdir()), "all jobs' lines")
    places = {tuple(path.read_text().split()) for path in tmp_path.iterdir()}
    assert places == {(node, str(device)) for node in GPU_NODES for device in range(GPUS)}


def test_a_restarted_controller_still_knows_its_jobs(slurm):
    slurm.command("sbatch", "--mem=1", "--output=/dev/null", "--wrap", "sleep 600")
    slurm.wait_until(lambda: slurm.jobs()[-1].state == "R", "the job at work")
    before = slurm.jobs()[-1]
    slurm.stop("slurmctld")
    slurm.start_controller()
    assert slurm.jobs()[-1] == before
