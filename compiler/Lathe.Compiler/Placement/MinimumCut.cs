namespace Lathe.Compiler.Placement;

/// <summary>
/// A network of which the cheapest cut between two nodes is wanted: edges with capacities, of which those from the source's side to the sink's are cut (Dinic, "Algorithm for
/// solution of a problem of maximum flow in networks with power estimation", 1970).
/// </summary>
/// <param name="nodes">How many nodes there are.</param>
public sealed class MinimumCut(int nodes)
{
    /// <summary>The capacity of an edge that is never cut if there is another way.</summary>
    public const double Never = 1e18;

    private readonly List<(int To, double Capacity)> _edges = [];
    private readonly List<int>[] _at = [.. Enumerable.Range(0, nodes).Select(_ => new List<int>())];

    /// <summary>Adds an edge; cutting it costs its capacity.</summary>
    public void Add(int from, int to, double capacity)
    {
        if (capacity <= 0 || from == to) return;
        // An edge and the way back lie side by side.
        _at[from].Add(_edges.Count);
        _edges.Add((to, capacity));
        _at[to].Add(_edges.Count);
        _edges.Add((from, 0));
    }

    /// <summary>Cuts source from sink; uses the network up.</summary>
    /// <returns>For each node whether it is on the source's side: the smallest such set.</returns>
    public bool[] SourceSide(int source, int sink)
    {
        // Below this a capacity is what rounding left of one.
        double least = _edges.Select(e => e.Capacity).Where(c => c is > 0 and < Never).DefaultIfEmpty(1).Max() * 1e-12;
        int[] level = new int[nodes], next = new int[nodes];
        for (FindLevels(source, level, least); level[sink] >= 0; FindLevels(source, level, least))
        {
            Array.Clear(next);
            while (Augment(source, sink, level, next, least)) { }
        }

        return [.. level.Select(l => l >= 0)];
    }

    private void FindLevels(int source, int[] level, double least)
    {
        Array.Fill(level, -1);
        level[source] = 0;
        Queue<int> queue = new([source]);
        while (queue.TryDequeue(out int node))
        {
            foreach (int edge in _at[node])
            {
                if (_edges[edge].Capacity <= least || level[_edges[edge].To] >= 0) continue;
                level[_edges[edge].To] = level[node] + 1;
                queue.Enqueue(_edges[edge].To);
            }
        }
    }

    /// <summary>Pushes flow along one path of edges that lead a level on; false if there is none.</summary>
    private bool Augment(int source, int sink, int[] level, int[] next, double least)
    {
        List<int> path = [];
        int node = source;
        while (node != sink)
        {
            if (next[node] < _at[node].Count)
            {
                int edge = _at[node][next[node]];
                if (_edges[edge].Capacity > least && level[_edges[edge].To] == level[node] + 1)
                {
                    path.Add(edge);
                    node = _edges[edge].To;
                }
                else
                {
                    next[node]++;
                }

                continue;
            }

            if (path.Count == 0) return false;
            // A dead end: back to where the last edge came from, past it.
            node = _edges[path[^1] ^ 1].To;
            path.RemoveAt(path.Count - 1);
            next[node]++;
        }

        double flow = path.Min(e => _edges[e].Capacity);
        foreach (int edge in path)
        {
            _edges[edge] = (_edges[edge].To, _edges[edge].Capacity - flow);
            _edges[edge ^ 1] = (_edges[edge ^ 1].To, _edges[edge ^ 1].Capacity + flow);
        }

        return true;
    }
}
