"""What bench-peers.sh needs of JSON and CSV. Python's standard library alone.

  records.py params TABLES NAME=VALUE...   Earthmover's parameters: these, and the bundle's tables as its templates need them,
                                           with SCORES_OF=HEADER,... for these scores alone
  records.py compare OLD NEW               whether two folders hold the same records, as JSON and in any order
  records.py judged RESULTS RUN STAGED     how many records lightbeam validate and sluice validate judged and passed
  records.py count URL URL KEY SECRET RESOURCE...   how many records of these resources each of two APIs holds
  records.py arrived STAGED BEFORE BEFORE AFTER AFTER   whether both APIs took all
"""
import collections
import csv
import hashlib
import json
import os
import re
import sys
import urllib.parse
import urllib.request


def params(tables, scores_of):
    def table(name):
        with open(os.path.join(tables, name + ".csv"), newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def measures(name, kind):
        return [r for r in table(name) if r["kind"] == kind and (not scores_of or r["header"] in scores_of.split(","))]

    def scores(name):
        return [[r["header"], r["method"], r["datatype"], r["minimum"], r["maximum"]] for r in measures(name, "score")]

    levels = [[r["header"], r["method"]] for r in measures("scores", "level")]
    values = {
        "NAMESPACE": "uri://www.nwea.org/map",
        "SCORES": scores("scores"),
        "GOAL_SCORES": scores("goal_scores"),
        "LEVELS": levels,
        "DECLARED_LEVELS": [[r["method"], r["level"]] for r in table("levels") if r["method"] in dict(levels).values()],
        "DECLARED_GOAL_LEVELS": [[r["method"], r["level"]] for r in table("goal_levels")],
        "PERIODS": [r["period"] for r in table("periods")],
    }
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def records(folder):
    """The records of each resource. A long goal's code ends with a digest, for which each side has another algorithm."""
    found = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".jsonl"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found[name[: -len(".jsonl")]] = collections.Counter(map(digest, file))
    return found


def digest(line):
    text = json.dumps(json.loads(line), sort_keys=True)
    return hashlib.sha256(re.sub(r'(?<=~)[0-9a-f]{8}(?=")', "", text).encode()).digest()


def compare(old, new):
    old, new = records(old), records(new)
    differences = []
    for resource in sorted(old.keys() | new.keys()):
        a, b = old.get(resource, collections.Counter()), new.get(resource, collections.Counter())
        if a != b:
            differences.append(f"{resource}: {sum((a - b).values())} of {sum(a.values())} against {sum((b - a).values())} of {sum(b.values())}")
    total = sum(sum(c.values()) for c in new.values())
    return "; ".join(["UNEQUAL"] + differences) if differences else f"the same {total} records"


def judged(results, run, staged):
    with open(results, encoding="utf-8") as file:
        theirs = json.load(file)
    with open(os.path.join(run, "run.json"), encoding="utf-8") as file:
        ours = json.load(file)["stages"]["validate"]["counts"]["resources"].values()
    peer = (theirs["total_records_processed"], theirs["total_records_processed"] - theirs["total_records_failed"])
    sluice = (sum(r["staged"] for r in ours), sum(r["valid"] for r in ours))
    if peer == sluice == (staged, staged):
        return f"both passed all {staged} records"
    return f"UNEQUAL: of {staged} records the peer judged {peer[0]} and passed {peer[1]}, sluice {sluice[0]} and {sluice[1]}"


def count(url, key, secret, resources):
    def get(address, data=None, token=None):
        request = urllib.request.Request(address, data, {"Authorization": "Bearer " + token} if token else {})
        return urllib.request.urlopen(request, timeout=60)

    urls = json.load(get(url))["urls"]
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": key, "client_secret": secret})
    token = json.load(get(urls["oauth"], form.encode()))["access_token"]
    total = 0
    for resource in resources:
        answer = get(f"{urls['dataManagementApi'].rstrip('/')}/ed-fi/{resource}?limit=0&totalCount=true", token=token)
        total += int(answer.headers["Total-Count"])
    return total


def arrived(staged, peer_before, sluice_before, peer_after, sluice_after):
    peer, sluice = peer_after - peer_before, sluice_after - sluice_before
    if peer == sluice == staged:
        return f"{staged} records more at each target"
    return f"UNEQUAL: of {staged} records the peer's target has {peer} more, sluice's {sluice}"


if __name__ == "__main__":
    command, args = sys.argv[1], sys.argv[2:]
    if command == "params":
        given = dict(pair.split("=", 1) for pair in args[1:])
        print(json.dumps({**params(args[0], given.pop("SCORES_OF", "")), **given}))
    elif command == "compare":
        print(compare(*args))
    elif command == "judged":
        print(judged(args[0], args[1], int(args[2])))
    elif command == "count":
        print(*(count(url, args[2], args[3], args[4:]) for url in args[:2]))
    elif command == "arrived":
        print(arrived(*map(int, args)))
