"""The graph of a query; `consider` goes back to `consult` for another voice, `check` when nobody answered."""

from __future__ import annotations

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.orchestrator.nodes import Nodes
from agents.orchestrator.state import Context, State


def build_graph(nodes: Nodes) -> CompiledStateGraph[State, Context, State, State]:
    """Return the compiled graph; it keeps no state between runs and may serve any number at once."""
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("admit", nodes.admit)
    graph.add_node("understand", nodes.understand)
    graph.add_node("recruit", nodes.recruit)
    graph.add_node("consult", nodes.consult)
    graph.add_node("consider", nodes.consider)
    graph.add_node("aggregate", nodes.aggregate)
    graph.add_node("check", nodes.check)
    graph.add_node("answer", nodes.answer)
    graph.add_edge(START, "admit")
    graph.add_edge("admit", "understand")
    graph.add_edge("understand", "recruit")
    graph.add_edge("recruit", "consult")
    graph.add_edge("consult", "consider")
    graph.add_conditional_edges("consider", _heard_enough, {True: "aggregate", False: "consult"})
    graph.add_edge("aggregate", "check")
    graph.add_conditional_edges("check", _answered, {True: "answer", False: "consult"})
    graph.add_edge("answer", END)
    return graph.compile()


def _heard_enough(state: State) -> bool:
    return not state["seats"]


def _answered(state: State) -> bool:
    return state["draft"] is not None
