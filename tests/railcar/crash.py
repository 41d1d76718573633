#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of railcar at whatever moment leaves nothing that `delete --force` does not clear; and nothing leaks."""
import json
import os
import random
import signal
import subprocess
import sys
import time

import railcar

# How often; a developer may ask for more.
CYCLES = int(os.environ.get("RAILCAR_CYCLES", "100"))


def killed_after(box, seconds, *words):
    """Runs railcar and kills it after that time, or waits for its end, whichever comes first."""
    running = subprocess.Popen(box.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    running.send_signal(signal.SIGKILL)
    running.wait()


def clear_away(box, name):
    box.call("delete", "--force", name)
    assert box.names() == [], box.names()


def test_create_is_killed(box):
    """create is killed at some moment"""
    box.configure("pause")
    before = railcar.belongings()
    chance = random.Random(1)
    for _ in range(40):
        killed_after(box, chance.uniform(0, 0.06), "create", "--bundle", box.bundle, "c")
        if box.names():
            # Whatever state it is in, questions have an answer.
            box.call("state", "c", status=None)
            box.call("list", status=None)
        clear_away(box, "c")
    railcar.assert_same(before)


def test_run_and_start_are_killed(box):
    """run, start and delete are killed at some moment"""
    box.configure("pause")
    before = railcar.belongings()
    chance = random.Random(2)
    for i in range(24):
        if i % 3 == 0:
            killed_after(box, chance.uniform(0, 0.08), "run", "--bundle", box.bundle, "c")
        else:
            box.create("c")
            killed_after(box, chance.uniform(0, 0.03), *(["start", "c"] if i % 3 == 1 else ["delete", "--force", "c"]))
        clear_away(box, "c")
    railcar.assert_same(before)


def test_a_half_written_state(box):
    """a state that cannot be read is an error, and no reason to keep the container"""
    box.configure("pause")
    box.create("c")
    pid = box.of("c")["pid"]
    for text in ("", "{", "[]", '{"version": 2}', json.dumps({"version": 1, "id": "d"})):
        with open(os.path.join(box.state, "c", "state.json"), "w", encoding="utf-8") as file:
            file.write(text)
        box.refusal("state", "c")
        box.refusal("kill", "c")
    box.call("delete", "--force", "c")
    assert box.names() == []
    for _ in range(500):   # its cgroup is known by the configuration
        if railcar.has_ended(pid):
            return
        time.sleep(0.01)
    raise AssertionError("%d was left" % pid)


def test_no_state_yet(box):
    """killed before the process was made, create leaves cgroups that are removed; who lives there is not ours"""
    box.configure("pause")
    for somebody in (False, True):
        before = railcar.belongings()
        box.create("c")
        pid = box.of("c")["pid"]
        os.unlink(os.path.join(box.state, "c", "state.json"))
        if not somebody:
            os.kill(pid, signal.SIGKILL)
        if railcar.belongings()[1] == before[1]:
            print("    not shown: nobody may make cgroups here")
        box.call("delete", "--force", "c")
        assert box.names() == []
        if not somebody:
            railcar.assert_same(before)
            continue
        assert not railcar.has_ended(pid)
        left = [at for at in railcar.belongings()[1] if at not in before[1]]
        os.kill(pid, signal.SIGKILL)
        for at in left:
            remove_when_empty(at)


def remove_when_empty(directory):
    for _ in range(500):
        try:
            return os.rmdir(directory)
        except OSError:
            time.sleep(0.01)
    raise AssertionError("%s does not get empty" % directory)


def test_one_id_below_two_roots(box):
    """two containers of one id, each with a root of its own, have nothing to do with each other"""
    box.configure("pause")
    box.run("c", "--detach")
    other = ["--root", os.path.join(box.folder, "other")]
    for end in (["delete", "--force", "c"], ["kill", "--all", "c", "KILL"]):
        box.call(*other, "run", "--bundle", box.bundle, "--detach", "c")
        box.call(*other, *end)
        assert box.of("c")["status"] == "running", end
    # Stopped, its cgroup is empty; what is made of that name meanwhile is not killed with it.
    box.call("kill", "c", "KILL")
    box.wait_for("c", "stopped")
    box.call(*other, "delete", "--force", "c")
    box.call(*other, "run", "--bundle", box.bundle, "--detach", "c")
    box.call("delete", "c")
    assert json.loads(box.call(*other, "state", "c"))["status"] == "running"
    box.call(*other, "delete", "--force", "c")


def test_a_number_that_was_used_again(box):
    """a process id that means somebody else by now is nobody's to kill"""
    box.configure("pause")
    box.create("c")
    path = os.path.join(box.state, "c", "state.json")
    with open(path, encoding="utf-8") as file:
        state = json.load(file)
    time.sleep(0.05)   # start times have hundredths of a second
    innocent = subprocess.Popen(["sleep", "1000"])
    real = state["pid"]
    state["pid"] = innocent.pid
    with open(path, "w", encoding="utf-8") as file:
        json.dump(state, file)
    assert box.of("c")["status"] == "stopped"
    assert "not running" in box.refusal("kill", "c", "KILL")
    box.call("delete", "c")
    assert innocent.poll() is None
    innocent.kill()
    innocent.wait()
    os.kill(real, signal.SIGKILL)


def test_concurrent_calls(box):
    """start, kill, state and delete of one container at the same time end in order"""
    box.configure("pause")
    for _ in range(10):
        box.create("c")
        calls = [["start", "c"], ["state", "c"], ["kill", "c", "KILL"], ["delete", "--force", "c"], ["list"],
                 ["delete", "--force", "c"]]
        running = [subprocess.Popen(box.command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                   for words in calls]
        for one in running:
            one.wait(60)
        assert running[3].returncode == 0 and running[5].returncode == 0
        assert box.names() == []


def test_nothing_leaks(box):
    """many containers, one after the other, leave nothing"""
    box.configure("exit", "0")
    before = railcar.belongings()
    for i in range(CYCLES):
        box.run("c%d" % i)
    assert box.names() == []
    railcar.assert_same(before)


def test_many_at_once(box):
    """many containers at the same time do not disturb each other"""
    box.configure("pause")
    before = railcar.belongings()
    count = min(200, 2 * CYCLES) if "RAILCAR_CYCLES" in os.environ else 20
    running = [subprocess.Popen(box.command("run", "--detach", "--bundle", box.bundle, "c%d" % i),
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for i in range(count)]
    assert [one.wait(300) for one in running] == [0] * count
    listed = json.loads(box.call("list", "--format", "json"))
    assert len(listed) == count and {c["status"] for c in listed} == {"running"}
    box.call("delete", "--force", *(c["id"] for c in listed), timeout=300)
    assert box.names() == []
    railcar.assert_same(before)


if __name__ == "__main__":
    railcar.main(sys.modules["__main__"])
