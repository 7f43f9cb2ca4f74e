namespace Lathe.Compiler.Placement;

/// <summary>A directed graph to be drawn. Texts come from models: what writes them escapes them.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Nodes">The boxes; edges lead from lower to higher numbers.</param>
/// <param name="Edges">The arrows.</param>
public sealed record Drawing(string Title, IReadOnlyList<DrawnNode> Nodes, IReadOnlyList<DrawnEdge> Edges);

/// <summary>A box.</summary>
/// <param name="Lines">What stands in it.</param>
/// <param name="Colour">Its fill, as six hexadecimal digits.</param>
public sealed record DrawnNode(IReadOnlyList<string> Lines, string Colour);

/// <summary>An arrow between two boxes.</summary>
/// <param name="From">The number of the first.</param>
/// <param name="To">The number of the second.</param>
/// <param name="IsCopy">True for a copy between devices.</param>
public sealed record DrawnEdge(int From, int To, bool IsCopy);
