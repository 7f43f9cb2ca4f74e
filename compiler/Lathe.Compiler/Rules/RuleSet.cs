using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Rules;

/// <summary>
/// A rule: what a node of one output may be replaced with, or null where the rule does not apply. Pure but for the nodes that it adds; the
/// replacement has the node's type.
/// </summary>
public delegate Value? Rule(Node node, Rewriting g);

/// <summary>Rules in the order in which they are tried.</summary>
/// <param name="Name">The name, for messages.</param>
/// <param name="Rules">The rules.</param>
public sealed record RuleSet(string Name, params IReadOnlyList<Rule> Rules)
{
    /// <summary>A rule's name: that of the class which states it.</summary>
    public static string NameOf(Rule rule) => rule.Method.DeclaringType!.Name;
}
