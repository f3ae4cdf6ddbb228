"""The scenario of scenario.mjs through the MCP SDK for Python, which holds every answer against its output schema.

python python-sdk.py <target as JSON> prints one JSON line for each case, as it is over. In `list` it calls every tool.
"""

import asyncio
import json
import re
import sys
import time
from contextlib import AsyncExitStack

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

target = json.loads(sys.argv[1])
CASE_WITHIN_S = 60


class Connection:
    """A server of its own, and the session with it."""

    async def __aenter__(self):
        self.stack = AsyncExitStack()
        parameters = StdioServerParameters(**{name: target[name] for name in ("command", "args", "env", "cwd")})
        streams = await self.stack.enter_async_context(stdio_client(parameters))
        self.session = await self.stack.enter_async_context(ClientSession(*streams))
        await self.session.initialize()
        return self

    async def __aexit__(self, *_):
        await self.stack.aclose()

    async def call(self, name, /, **arguments):
        answer = await self.session.call_tool(name, arguments)
        if answer.is_error:
            raise AssertionError(f"{name}: {answer.content[0].text}")
        return answer.structured_content


def check(holds, what, seen):
    if not holds:
        raise AssertionError(f"{what}; it was {json.dumps(seen)[:300]}")


async def start(client, *steps):
    return (await client.call("run_agent", runner="scripted", prompt=json.dumps(steps)))["runId"]


async def end_of(client, run_id):
    while True:
        waited = await client.call("wait_agent", runId=run_id)
        if not waited["timedOut"]:
            return waited


async def start_long(client):
    run_id = await start(client, {"print": "begun\n"}, {"pause": 600_000})
    while "begun" not in (await client.call("stream_agent_output", runId=run_id, view="raw", waitMs=1_000))["output"]:
        pass
    return run_id


async def list_and_call_each(client):
    names = [tool.name for tool in (await client.session.list_tools()).tools]
    check(sorted(names) == sorted(target["tools"]), "the list has every tool", names)
    run_id = await start(client, {"print": "hello\n"})
    agent = {"name": "python", "runner": "scripted", "prompt": "You are one."}
    calls = {
        "run_agent": {"runner": "scripted", "prompt": "[]"},
        "run_agents_parallel": {"agents": [{"runner": "scripted", "prompt": "[]"}]},
        "wait_agent": {"runIds": [run_id], "mode": "any"},
        "get_agent_status": {"runId": run_id, "tailBytes": 100},
        "stream_agent_output": {"runId": run_id, "view": "events"},
        "kill_agent": {"runId": run_id},
        "list_runs": {"stats": True},
        "pool_status": {},
        "create_agent": agent,
        "list_agents": {},
        "get_agent_configs": {"name": "python"},
        "update_agent_config": {"name": "python", "description": "One."},
        "delete_agent": {"name": "python"},
        "config_example": {"provider": "anthropic"},
    }
    check(set(calls) == set(names), "each of them is called", names)
    for name, arguments in calls.items():
        await client.call(name, **arguments)


async def run(client):
    ended = await end_of(client, await start(client, {"print": '{"result":"hello ✓"}\n'}))
    check((ended["status"], ended.get("result")) == ("done", "hello ✓"), "the run is done with its result", ended)


async def follow(client):
    run_id = await start(client, {"lines": {"count": 20, "bytes": 40, "everyMs": 50}})
    text, page, cursor = "", {}, {}
    while not page.get("isComplete"):
        page = await client.call("stream_agent_output", runId=run_id, view="raw", waitMs=1_000, **cursor)
        text += page["output"]
        cursor = {"cursor": page["nextCursor"]}
    lines = re.findall(r"line \d{8}", text)
    check(lines == [f"line {at:08}" for at in range(1, 21)], "every line is there once, in order", lines)


async def wait(client):
    run_id = await start(client, {"pause": 2_500}, {"print": '{"result":"late"}\n'})
    first = await client.call("wait_agent", runId=run_id)
    check(first["timedOut"], "one call blocks no longer than its limit", first)
    ended = await end_of(client, run_id)
    check(ended.get("result") == "late", "and the next ones have its end", ended)


async def kill(client):
    run_id = await start_long(client)
    killed = await client.call("kill_agent", runId=run_id)
    check(killed["killed"], "the run is killed", killed)
    check((await end_of(client, run_id))["status"] == "killed", "and ends so", killed)


async def parallel(client):
    agents = [
        {"runner": "scripted", "taskId": name, "prompt": json.dumps([{"print": f'{{"result":"{name}"}}\n'}])}
        for name in "abc"
    ]
    answer, *_ = await asyncio.gather(
        client.call("run_agents_parallel", agents=agents), *(client.call("list_runs", limit=3) for _ in range(5))
    )
    for one in answer["agents"]:
        ended = await end_of(client, one["runId"])
        check(ended.get("result") == one["taskId"], f"{one['taskId']} is done", ended)


async def reconnect(client):
    run_id = await start_long(client)
    await client.__aexit__()
    await client.__aenter__()
    status = await client.call("get_agent_status", runId=run_id)
    check(status["status"] == "running", "the run has outlived the connection", status)
    await client.call("kill_agent", runId=run_id)


CASES = {
    "list": list_and_call_each,
    "run": run,
    "follow": follow,
    "wait": wait,
    "kill": kill,
    "parallel": parallel,
    "reconnect": reconnect,
}


async def outcome_of(name, doing):
    begun = time.monotonic()
    try:
        async with asyncio.timeout(CASE_WITHIN_S):  # not in a task of its own, which a connection is bound to
            await doing
        outcome = "ok"
    except Exception as error:  # whatever it is, it is told
        outcome = f"{type(error).__name__}: {error}".split("\n")[0][:300]
    print(json.dumps({"case": name, "outcome": outcome, "ms": round((time.monotonic() - begun) * 1_000)}), flush=True)
    return outcome


async def main():
    client = Connection()
    if await outcome_of("connect", client.__aenter__()) != "ok":
        return
    for name, case in CASES.items():
        await outcome_of(name, case(client))
    await client.__aexit__()


asyncio.run(main())
