"""Two engines: what the local warehouse takes and computes, Google's own GoogleSQL takes and computes too.

    values      types and values, to and from the analyzer's protocol
    googlesql   the analyzer and the reference implementation, in this process
    project     the dbt project compiled in both branches, and analysed
    filled      incidents, usage and verdicts of checks, so that no model is compared while it is empty
    built       the project built here, and computed by the reference implementation
    compare     rows side by side
    recorder    the statements that all tests send, analysed at the end

The first start on a machine takes 20 seconds, since WebAssembly is compiled; wasmtime keeps it in the user's cache.
"""
