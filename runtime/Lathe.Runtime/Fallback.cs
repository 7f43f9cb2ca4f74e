namespace Lathe.Runtime;

/// <summary>A step that does not run as it was asked to.</summary>
/// <param name="Node">The name of the model's node.</param>
/// <param name="Reason">What runs instead and why.</param>
public sealed record Fallback(string Node, string Reason);
