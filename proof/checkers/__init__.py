"""Pure checkers: each takes a saved history and returns a finding. None knows how the history was made.

| module | checks |
|---|---|
| `checker` | the type of a checker; running several, so that one that breaks does not stop the others |
| `ledger` | journal, keys, balances, entities: nothing lost, doubled or invented |
| `effects` | the effects of operations besides their journal row |
| `contents` | that both databases hold the same rows, and that applications match the clients' answers |
| `reads` | that every limit that a client read during the run had a possible value |
| `loss` | that only writes which the standby could not have yet are missing |
| `single_primary` | that two databases never accepted writes at the same time |
| `contention` | limits that many users draw on at the same time |
| `sets` | the checkers of each kind of run |
"""
