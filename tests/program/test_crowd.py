"""The crowd that other tests lean on does what its commands say."""
from harness.crowd import Crowd, crowded_server


def test_a_crowd_talks(world):
    crowded_server(world, 40)
    crowd = Crowd(world)
    assert crowd.login("0-29", "how=token", "parallel=8")["errors"] == {}
    crowd.login("30-31", "how=password", "from=127.1.2.3", "each=1")
    assert crowd.online() == list(range(32))
    found = crowd.do("rate 0-31 per_second=500 seconds=1")
    assert found["accepted"] == found["delivered"] == found["sent"] > 0 and found["errors"] == 0
    assert 0 < found["delivery"]["p50_us"] <= found["delivery"]["p99_us"] <= found["delivery"]["max_us"]
    sent = crowd.do("send 4 to=9 count=50")
    assert (sent["accepted"], sent["refused"], sent["lost"]) == (50, 0, 0)
    assert crowd.do("dribble 0-1 bytes=7 every=1 body=64")["event"] == "done"
    assert crowd.do("state all")["disordered"] == 0


def test_a_crowd_sees_who_is_here(world):
    server = crowded_server(world, 20)
    crowd = Crowd(world)
    crowd.login("0-9")
    crowd.do("watch 0-4")
    crowd.do("close 5-9")
    crowd.login("10-12", "stay=1")
    everybody = [f"load{index}" for index in (*range(1, 5), 10, 11, 12)]
    world.hub.wait(lambda: crowd.do("whoelse 0")["users"] == sorted(everybody), "five to be gone")
    shown = crowd.do("shown 0-4 of=5-9")
    assert (shown["watching"], shown["pairs"], shown["online"], shown["events_offline"]) == (5, 25, 0, 25)
    shown = crowd.do("shown 0-4 of=0-4")
    assert (shown["pairs"], shown["online"], shown["events_offline"]) == (20, 20, 0)
    server.kill9()
    assert crowd.do("await 0-4 online=0")["reached"]
    server.start()
    assert crowd.do("await 10-12 online=3")["reached"]
    assert crowd.do("whoelse 10")["users"] == ["load11", "load12"]


def test_a_crowd_behaves_badly(world):
    crowded_server(world, 4)
    crowd = Crowd(world)
    assert crowd.do("login 2-5 how=token")["errors"] == {"bad_token": 2}
    crowd.login("0-1", "rcvbuf=4096", "heartbeat=0")
    crowd.do("pause 1")
    assert crowd.do("send 0 to=1 count=20 body=4000")["accepted"] == 20
    before = crowd.do("state 1")["delivered"]
    crowd.do("sip 1 every=1")
    world.hub.wait(lambda: crowd.do("state 1")["delivered"] == before + 20, "20 messages to be read in sips")
    crowd.do("logout 0-1")
    assert crowd.do("await 0-1 online=0")["reached"]
