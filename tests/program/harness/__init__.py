"""What the whole-program tests stand on.

    surroundings  where the programs are, how long to wait
    hub           one selector over everything that talks; waits with a deadline; keeps the record of who said what
    process       a child process whose output is read as lines
    server        earshotd in a directory of its own
    prepared      data directories with accounts, made once
    client        earshot --json over pipes
    wire          the protocol itself: a peer of earshotd, and a server that lies to earshot
    island        a network namespace in which packets can vanish
    crowd         thousands of clients in one process, and servers with accounts for them
    terminal      earshot under a pseudo-terminal, and the screen that a person would see
    transcript    conversations written as text, and what runs them
    world         all of the above for one test, and its end

Nothing here sleeps: whoever waits names the event, and fails with the whole conversation when it does not come.
"""
