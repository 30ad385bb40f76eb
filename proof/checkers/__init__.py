"""Pure checkers: a saved history in, a finding out. None of them knows how the history came about.

| module | checks |
|---|---|
| `checker` | what a checker is; running several, each wrapped |
| `ledger` | journal, keys, balances, entities: nothing lost, doubled or invented |
| `effects` | what operations leave besides their journal row |
| `contents` | that both databases hold the same, and applications what clients were told |
| `reads` | that every limit that a client saw meanwhile is a possible one |
| `loss` | that only what the standby could not have yet is missing |
| `single_primary` | that at no time two databases accepted writes |
| `contention` | limits that many users draw on at once |
| `sets` | which of them judge which kind of run |
"""
