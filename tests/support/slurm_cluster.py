"""A real SLURM on loopback: a controller, two nodes of two pretended GPUs each, a node without, all in one folder.

Nothing below /etc is read or written. The daemons end with the process that started them, however it ends.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "munge", "unmunge", "slurmctld", "slurmd", "sbatch", "srun", "setpriv")
GPU_NODES, GPUS, CPU_NODES = ("gpu1", "gpu2"), 2, ("cpu1",)
NODES = (*GPU_NODES, *CPU_NODES)
PATIENCE = 60.0  # seconds for whatever should take a few
SEARCHED = os.environ["PATH"] + ":/usr/sbin:/sbin"  # where Debian puts the daemons, and users do not look

# Pretended: eight processors and 64 GB a node. Short intervals, so that jobs start and nodes are missed within seconds.
SLURM_CONF = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobs.txt
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SlurmdParameters=config_overrides
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=10
KillWait=5
MinJobAge=3600
CompleteWait=0
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL Default=NO MaxTime=INFINITE State=UP PriorityTier=2
"""


def missing_programs() -> str:
    """What a test without SLURM is skipped with; nothing where all is there."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=SEARCHED) is None]
    return f"no SLURM to be tested on: {', '.join(missing)} not found (as root: make slurm)" if missing else ""


@dataclass(frozen=True)
class Queued:
    """A job as squeue knows it: also finished ones, for an hour. Times as SLURM writes them, which sort as text."""

    number: int
    name: str
    state: str
    node: str
    comment: str
    minutes: str
    began: str
    ended: str


class Cluster:
    """Use it as a context; `environment` is what its commands, and a Snakemake that submits to it, have to know."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # short, for sockets have no room below long paths
        self.daemons: dict[str, subprocess.Popen] = {}
        self.environment = os.environ | {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder}/bin:{SEARCHED}",
        }

    def __enter__(self) -> "Cluster":
        try:
            self._configure()
            self._start_munge()
            self.start_controller(forget=True)
            for name in NODES:
                self.start_node(name)
            self.wait_until(lambda: self.idle_nodes() == sorted(NODES), "all nodes idle")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._stop()

    def command(self, *words: str, check: bool = True) -> str:
        """What a command of SLURM prints."""
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{' '.join(words)}: {done.stderr}{self.logs()}"
        return done.stdout

    def jobs(self) -> list[Queued]:
        """All jobs of the last hour, in the order of submission."""
        fields = ":|,".join(
            ("JobID", "Name", "StateCompact", "NodeList", "Comment", "TimeLimit", "StartTime", "EndTime:|")
        )
        listed = self.command("squeue", "--noheader", "--states=all", "--sort=i", f"--Format={fields}")
        rows = [line.split("|") for line in listed.splitlines()]
        return [Queued(int(row[0]), *row[1:8]) for row in rows]

    def idle_nodes(self) -> list[str]:
        listed = self.command("sinfo", "--noheader", "--Node", "--format=%N %t", "--partition=main", check=False)
        return sorted(line.split()[0] for line in listed.splitlines() if line.split()[1] == "idle")

    def start_controller(self, *, forget: bool = False) -> None:
        self._start("slurmctld", "slurmctld", "-D", *(["-c"] if forget else []))
        self.wait_until(lambda: "UP" in self.command("scontrol", "ping", check=False), "the controller")

    def start_node(self, name: str) -> None:
        self._start(name, "slurmd", "-D", "-N", name)

    def stop(self, name: str, *, by: int = signal.SIGTERM) -> None:
        """End a node's daemon, or the controller (`slurmctld`)."""
        daemon = self.daemons.pop(name)
        daemon.send_signal(by)
        daemon.wait(PATIENCE)

    def lose_node(self, name: str) -> None:
        """The node is gone as by a power cut: its daemon and whatever ran there."""
        self.stop(name, by=signal.SIGKILL)
        for number in self.processes(f"SLURMD_NODENAME={name}"):
            kill(number)

    def tidy(self) -> None:
        """Cancel every job, and bring back what a test has stopped."""
        if "slurmctld" not in self.daemons:
            self.start_controller()
        for name in (name for name in NODES if name not in self.daemons):
            self.start_node(name)
        self.command("scancel", f"--user={user_name()}")
        self.command("scontrol", "update", f"NodeName={','.join(NODES)}", "State=RESUME", check=False)
        self.wait_until(lambda: self.idle_nodes() == sorted(NODES), "all nodes idle")

    def wait_until(self, holds, what: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s{self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        """The ends of all logs, for a test that fails."""
        ends = [f"\n--- {path.name}\n{path.read_text()[-1500:]}" for path in sorted(self.folder.glob("*.log"))]
        return "".join(ends)

    def _configure(self) -> None:
        for name in ("munge", "bin", "devices", "state", *(f"spool.{node}" for node in NODES)):
            (self.folder / name).mkdir(mode=0o755)
        port, *ports = free_ports(1 + len(NODES))
        host = socket.gethostname().split(".")[0]
        described = [self._node(name, number, host) for name, number in zip(NODES, ports, strict=True)]
        words = {"host": host, "port": port, "user": user_name(), "folder": self.folder}
        (self.folder / "slurm.conf").write_text(SLURM_CONF.format(nodes="\n".join(described), **words))
        devices = f"NodeName={','.join(GPU_NODES)} Name=gpu Type=fake File={self._devices()}\n"
        (self.folder / "gres.conf").write_text(devices)
        # Snakemake's job steps drop every SLURM variable, this one too, before they call srun.
        shim = self.folder / "bin/srun"
        srun = shutil.which("srun", path=SEARCHED)
        shim.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {srun} "$@"\n')
        shim.chmod(0o755)

    def _node(self, name: str, port: int, host: str) -> str:
        size = "CPUs=8 Boards=1 SocketsPerBoard=1 CoresPerSocket=8 ThreadsPerCore=1 RealMemory=64000 State=UNKNOWN"
        gpus = f" Gres=gpu:fake:{GPUS}" if name in GPU_NODES else ""
        return f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} {size}{gpus}"

    def _devices(self) -> str:
        """SLURM names no device to a job unless its file is one: copies of /dev/null, else terminals."""
        try:
            for number in range(GPUS):
                os.mknod(self.folder / f"devices/nvidia{number}", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        except OSError:
            return f"/dev/tty[0-{GPUS - 1}]"
        return f"{self.folder}/devices/nvidia[0-{GPUS - 1}]"

    def _start_munge(self) -> None:
        folder = self.folder / "munge"
        (folder / "key").write_bytes(os.urandom(1024))
        (folder / "key").chmod(0o400)
        files = {name: f"--{name}={folder}/{name.split('-')[0]}" for name in ("key-file", "seed-file", "pid-file")}
        socket_file = f"--socket={folder}/socket"
        self._start("munged", "munged", "--foreground", "--force", *files.values(), socket_file)
        both = f"munge -n {socket_file} | unmunge {socket_file} > {folder}/answer"
        self.wait_until(lambda: self._succeeds(both), "munge")

    def _succeeds(self, line: str) -> bool:
        done = subprocess.run(["bash", "-o", "pipefail", "-c", line], env=self.environment, capture_output=True)
        return done.returncode == 0

    def _start(self, name: str, *words: str) -> None:
        assert name not in self.daemons, f"{name} is running"
        with open(self.folder / f"{name}.log", "ab") as output:
            self.daemons[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *words],
                env=self.environment | {"SLURMD_NODENAME": name},  # for `lose_node` to find the steps by
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def _stop(self) -> None:
        """Everything, in the order in which one needs the other; also what a job left behind."""
        if "slurmctld" in self.daemons:
            subprocess.run(["scancel", f"--user={user_name()}"], env=self.environment, capture_output=True)
        for name in [*NODES, "slurmctld", "munged"]:
            if name in self.daemons:
                self.stop(name, by=signal.SIGTERM)
        for number in self.processes(f"SLURM_CONF={self.folder}/slurm.conf"):
            kill(number)
        shutil.rmtree(self.folder, ignore_errors=True)

    def processes(self, variable: str) -> list[int]:
        """Processes of this cluster's jobs that have a variable, as `NAME=value`."""
        ours = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                variables = path.read_bytes().split(b"\0")
            except OSError:
                continue  # it has ended, or is somebody else's
            if variable.encode() in variables and ours in variables and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
        return found


def kill(number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)


def user_name() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
