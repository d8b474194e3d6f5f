"""Loops in a directed graph."""

from collections.abc import Hashable, Iterable
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def in_loops(edges: Iterable[tuple[Node, Node]]) -> set[Node]:
    """The nodes that can be reached from themselves: Tarjan's strongly connected components, without recursion."""
    following: dict[Node, list[Node]] = {}
    for tail, head in edges:
        following.setdefault(tail, []).append(head)
        following.setdefault(head, [])
    number: dict[Node, int] = {}
    low: dict[Node, int] = {}
    path: list[Node] = []
    on_path: set[Node] = set()
    found: set[Node] = set()
    for root in following:
        if root in number:
            continue
        walk = [(root, iter(following[root]))]
        number[root] = low[root] = len(number)
        path.append(root)
        on_path.add(root)
        while walk:
            node, heads = walk[-1]
            for head in heads:
                if head not in number:
                    number[head] = low[head] = len(number)
                    path.append(head)
                    on_path.add(head)
                    walk.append((head, iter(following[head])))
                    break
                if head in on_path:
                    low[node] = min(low[node], number[head])
            else:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[node])
                if low[node] == number[node]:
                    component = [path.pop()]
                    while component[-1] != node:
                        component.append(path.pop())
                    on_path.difference_update(component)
                    if len(component) > 1 or node in following[node]:
                        found.update(component)
    return found
