using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Schedules;

/// <summary>What can be said of neighbouring elements before there is a schedule.</summary>
public static class Neighbours
{
    /// <summary>True where an expression reads the same elements for all neighbours along an axis that are one vector, on every machine: they are its lanes then at no cost.</summary>
    /// <param name="expression">What is computed of accesses.</param>
    /// <param name="along">The variable of the axis.</param>
    public static bool ReadTheSame(Expr expression, IndexVar along)
    {
        return Machine.All.All(m => AreUniform(m.Lanes));

        bool AreUniform(long lanes)
        {
            IndexVar vector = new("vector", 0, along.Max / lanes), lane = new("lane", 0, lanes - 1);
            long? Step(IndexExpr index) => index.Substitute(along, (vector * lanes) + lane).Coefficient(lane);
            return ExprWalk.All(expression).All(e => e switch
            {
                Access a => a.Indices.All(i => Step(i) == 0),
                IndexValue v => Step(v.Index) is not null,
                _ => true,
            });
        }
    }
}
