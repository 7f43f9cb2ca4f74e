using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Runtime.Devices;

namespace Lathe.Compiler.Placement;

/// <summary>
/// Where nodes may run by what is asked for: rules, and the operators that profiles exclude. Both are about nodes of the model as it was imported, and found again by name, whatever passes
/// make of a node.
/// </summary>
internal sealed class Permissions
{
    private readonly IReadOnlyDictionary<string, NodeRule> _rules;
    private readonly HashSet<string>[] _excluded;

    private Permissions(IReadOnlyList<string> list, IReadOnlyList<DeviceProfile> profiles, IReadOnlyDictionary<string, NodeRule> rules, HashSet<string>[] excluded)
    {
        (List, Profiles, _rules, _excluded) = (list, profiles, rules, excluded);
        Names = [.. profiles.Select(p => p.Device)];
    }

    /// <summary>The devices in order of priority.</summary>
    public IReadOnlyList<string> List { get; }

    /// <summary>The devices by number: the CPU first, the others as in the list.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The profile of each device.</summary>
    public IReadOnlyList<DeviceProfile> Profiles { get; }

    /// <summary>What options say of the nodes of a model.</summary>
    /// <exception cref="DiagnosticException">They contradict themselves or the model.</exception>
    public static Permissions Of(Graph.Graph graph, CompileOptions options)
    {
        IReadOnlyList<string> list = DeviceList.Parse(options.Device);
        DeviceProfile[] profiles = [.. list.OrderBy(d => d != "CPU").Select(d => options.DeviceProfiles.GetValueOrDefault(d) ?? DeviceProfileText.Shipped[d])];
        IReadOnlyList<NodeRule> rules = options.AffinityRules is { } text
            ? NodeRules.Parse("--affinity", text, value => list.Contains(value) ? null : $"'{value}' is not one of {string.Join(", ", list)}")
            : [];
        HashSet<string>[] excluded = [.. profiles.Select(p => p.Unsupported.SelectMany(op => NodeSelector.Parse($"op:{op}").NamesIn(graph)).ToHashSet(StringComparer.Ordinal))];
        return new Permissions(list, profiles, NodeRules.Resolve("--affinity", rules, graph), excluded);
    }

    /// <summary>The device that a rule puts a node on, and its text; null for none.</summary>
    /// <param name="name">The node's name.</param>
    public (int Device, string Text)? RuleOf(string? name) =>
        name is not null && _rules.TryGetValue(name, out NodeRule? rule) ? (Names.ToList().IndexOf(rule.Value), $"line {rule.Line} of the rules") : null;

    /// <summary>True if a device's profile excludes the operator that a node is made of.</summary>
    public bool IsExcluded(int device, string? name, string op) => Profiles[device].Unsupported.Contains(op) || (name is not null && _excluded[device].Contains(name));

    /// <summary>The devices on which a node may run, as bits: of a group those that all members have in common. Nodes with unequal ones are not joined.</summary>
    public int Of(Node node, Graph.Graph graph) => Of(node, graph.Names.GetValueOrDefault(node));

    /// <summary>The names of a group's members with their operators, those of groups inside among them.</summary>
    public static IEnumerable<(string? Name, Op Op)> MembersOf(Fused group) => group.Members.SelectMany(m => m.Op is Fused inner ? MembersOf(inner) : [(group.Body.Names.GetValueOrDefault(m), m.Op)]);

    private int Of(Node node, string? name)
    {
        if (node.Op is Fused group)
        {
            // What was brought together in spite of that, of images that are read as they lie, goes where the operator in the middle does.
            int common = MembersOf(group).Select(m => Of(m.Name ?? name, m.Op.Name)).Aggregate(-1, (a, b) => a & b);
            return common != 0 ? common : Of(group.Body.Names.GetValueOrDefault(group.Root) ?? name, group.Root.Op.Name);
        }

        return Of(name, node.Op.Name);
    }

    private int Of(string? name, string op)
    {
        if (RuleOf(name) is { } rule) return 1 << rule.Device;
        int devices = 0;
        for (int device = 0; device < Profiles.Count; device++)
            if (!IsExcluded(device, name, op)) devices |= 1 << device;
        // The CPU runs everything.
        return devices | 1;
    }
}
