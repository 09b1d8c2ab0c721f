"""The agents: retriever, planner, coder, executor, critic, optimiser; one file, one node each."""
