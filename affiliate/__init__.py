"""Who is owed what: pure, standard library only. Its rooms are built with the partners' ledger."""
