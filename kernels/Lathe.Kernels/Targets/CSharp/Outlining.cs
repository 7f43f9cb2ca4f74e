using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Targets.CSharp;

/// <summary>
/// Which loops and branches of a kernel become methods of their own. The JIT keeps about a thousand locals of a method in registers at all; what a larger one has
/// beyond goes through memory, whatever its use. And it moves constants out of all loops, so that those of a polynomial behind a register tile would take the tile's
/// registers.
/// </summary>
internal static class Outlining
{
    /// <summary>The most names of a method that stays in one piece, of a part, and the fewest that are worth a call.</summary>
    private const int MostOfWhole = 200, MostOfPart = 400, LeastOfPart = 24;

    /// <summary>The most constants of a loop that stays beside the running values of a register tile, and the fewest of these.</summary>
    private const int MostConstants = 6, LeastOfTile = 8;

    /// <summary>The loops and branches; a function's loop may be inside a large one.</summary>
    public static IEnumerable<Statement> Of(Statement body)
    {
        bool isLarge = Names(body) > MostOfWhole, hasTiles = StatementWalk.All(body).Count(s => s is Local) >= LeastOfTile;
        return isLarge || hasTiles ? Parts(body, isLarge, hasTiles) : [];
    }

    /// <summary>The names that a part reads of the code around it, in order.</summary>
    public static IEnumerable<string> Reads(Statement part)
    {
        HashSet<string> declared = new(StringComparer.Ordinal);
        SortedSet<string> read = new(StringComparer.Ordinal);
        foreach (Statement statement in StatementWalk.All(part))
        {
            read.UnionWith(StatementWalk.Indices(statement).SelectMany(i => i.Variables).Select(v => v.Name));
            foreach (Expr expression in StatementWalk.Expressions(statement).SelectMany(ExprWalk.All))
                if (expression switch { Load e => e.Buffer, Gather e => e.Buffer, Var e => e.Name, _ => null } is { } name) read.Add(name);
            if (statement switch { Store s => s.Buffer, TransposeBlock s => s.To, Pointer s => s.Buffer, Prefetch s => s.Buffer, Assign s => s.Name, _ => null } is { } used) read.Add(used);
            if (statement is TransposeBlock { From: var source }) read.Add(source);
            if (statement switch { For s => s.Variable.Name, Let s => s.Name, LetIndex s => s.Variable.Name, Local s => s.Name, Pointer s => s.Name, Alloc s => s.Name, _ => null } is { } own)
                declared.Add(own);
        }

        read.ExceptWith(declared);
        return read;
    }

    private static IEnumerable<Statement> Parts(Statement statement, bool isLarge, bool hasTiles, bool isBranch = false)
    {
        if ((isBranch || statement is For { Kind: LoopKind.Serial }) && IsClosed(statement))
        {
            if (hasTiles && !HasRunning(statement) && Constants(statement) > MostConstants) return [statement];
            // What is large may hold a tile with a function behind it.
            if (isLarge && Names(statement) is >= LeastOfPart and <= MostOfPart)
                return StatementWalk.Children(statement).SelectMany(s => Parts(s, false, hasTiles, statement is If)).Prepend(statement);
        }

        return StatementWalk.Children(statement).SelectMany(s => Parts(s, isLarge, hasTiles, statement is If));
    }

    private static bool HasRunning(Statement statement) => StatementWalk.All(statement).Any(s => s is Local);

    private static int Constants(Statement statement) => StatementWalk.All(statement).SelectMany(StatementWalk.Expressions).SelectMany(ExprWalk.All)
        .Where(e => e is Const { ValueType.Lanes: > 1 }).Distinct().Count();

    /// <summary>True if nothing in it ends the kernel or sets what is declared outside.</summary>
    private static bool IsClosed(Statement part)
    {
        HashSet<string> locals = [.. StatementWalk.All(part).OfType<Local>().Select(l => l.Name)];
        return StatementWalk.All(part).All(s => s is not Fail && (s is not Assign a || locals.Contains(a.Name)));
    }

    private static int Names(Statement statement) => StatementWalk.All(statement).Count(s => s is Let or Local or Pointer or LetIndex);
}
