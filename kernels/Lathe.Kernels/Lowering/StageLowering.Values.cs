using System.Collections.Immutable;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Passes;
using Lathe.Kernels.Schedules;
using Lathe.Runtime;

namespace Lathe.Kernels.Lowering;

/// <content>What leaves, axes and expressions are where loops are open.</content>
internal sealed partial class StageLowering
{
    private IndexExpr Extent(Leaf leaf, Scope scope)
    {
        if (scope.SizeOf(leaf) is { } size) return size;
        if (leaf.OuterOf is { } outer) return IndexExpr.CeilDiv(Extent(outer.Parent, scope), outer.Size);
        if (leaf.InnerOf is { } inner)
        {
            return inner.Tail == Tail.Clamp
                ? IndexExpr.Min(inner.Size, Extent(inner.Parent, scope) - (Value(inner.Outer, scope) * inner.Size))
                : inner.Size;
        }

        return leaf.Parts.Count > 1 ? IndexExpr.Product(leaf.Parts.Select(p => Extent(p, scope))) : leaf.Extent;
    }

    private IndexExpr Value(Leaf leaf, Scope scope)
    {
        if (scope.ValueOf(leaf) is { } value) return value;
        if (leaf.Split is { } split)
        {
            IndexExpr start = Value(split.Outer, scope) * split.Size;
            if (split.Tail == Tail.Overlap) start = IndexExpr.Min(start, Extent(leaf, scope) - split.Size);
            return start + Value(split.Inner, scope) + scope.ShiftOf(leaf);
        }

        if (leaf.Placeholder is not null) return leaf.Placeholder;
        return leaf.Whole is { } whole ? Value(whole, scope) : throw new InvalidOperationException($"Leaf '{leaf.Name}' of stage '{_stage.Name}' is used outside its loop.");
    }

    private IndexExpr Resolve(IndexExpr index, Scope scope) => schedule.Resolve(index, leaf => Value(leaf, scope));

    private IndexExpr AxisValue(int dim, Scope scope)
    {
        IndexExpr value = Value(schedule[_stage.Pure[dim]], scope);
        return lo.Count == 0 ? value : lo[dim] + value;
    }

    private IndexExpr? AxisOf(IndexVar variable, Scope scope)
    {
        for (int d = 0; d < _stage.Pure.Length; d++)
            if (_stage.Pure[d].Variable == variable) return AxisValue(d, scope);
        foreach (Axis axis in _stage.Reduction)
            if (axis.Variable == variable) return Value(schedule[axis], scope);
        return null;
    }

    private IndexExpr Place(ImmutableArray<Leaf> leaves, Scope scope)
    {
        IndexExpr place = IndexExpr.Zero;
        foreach (Leaf leaf in leaves) place = (place * Extent(leaf, scope)) + Value(leaf, scope);
        return place;
    }

    private IndexVar Variable(string name, IndexExpr extent) =>
        new(context.Names.Unique(name), 0, extent.Range.Max == long.MaxValue ? long.MaxValue : Math.Max(0, extent.Range.Max - 1));

    /// <summary>That the leaves which run beyond what there is have not; null where none can have.</summary>
    private Expr? Inside(Scope scope)
    {
        Expr? condition = null;
        foreach ((Leaf leaf, IndexExpr bound) in scope.Guards)
        {
            IndexExpr value = Resolve(Value(leaf, scope), scope);
            if ((value - bound).Range.Max < 0) continue;
            Expr inside = Less(value, bound);
            condition = condition is null ? inside : new Binary(BinaryOp.And, condition, inside);
        }

        return condition;
    }

    private Statement Guarded(Scope scope, Statement statement)
    {
        Expr? condition = Inside(scope);
        for (int d = 0; beyond && d < lo.Count; d++)
        {
            if (_stage.Pure[d].Extent == IndexExpr.One) continue;
            IndexExpr value = AxisValue(d, scope), bound = _stage.Output.Dims[d];
            if ((value - bound).Range.Max < 0) continue;
            Expr inside = Less(Value(schedule[_stage.Pure[d]], scope), bound - lo[d]);
            condition = condition is null ? inside : new Binary(BinaryOp.And, condition, inside);
        }

        return condition is null ? statement : new If(condition, statement);
    }

    private Expr ExpressionOf(Expr expression, Scope scope, Func<int, Expr>? running) => new Binding(this, context, scope, running).Visit(expression);

    private static Binary Less(IndexExpr a, IndexExpr b) => new(BinaryOp.Less, new IndexValue(a, ElementType.Int64), new IndexValue(b, ElementType.Int64));

    /// <summary>Turns axes into loop variables, accesses into loads and running values into registers.</summary>
    private sealed class Binding(StageLowering owner, LoweringContext context, Scope scope, Func<int, Expr>? running) : Rewriter
    {
        public override IndexExpr Visit(IndexExpr index) => owner.Resolve(Substituted(index), scope);

        protected override Expr Rewrite(Expr expression)
        {
            switch (expression)
            {
                case Access access:
                    (string buffer, IndexExpr offset) = context.Place(access.Tensor, [.. access.Indices.Items.Select(Substituted)]);
                    return new Load(buffer, owner.Resolve(offset, scope), access.Tensor.Element);
                case Var variable:
                    for (int i = 0; i < owner._stage.Accumulators.Length; i++)
                        if (owner._stage.Accumulators[i].Name == variable.Name) return running?.Invoke(i) ?? throw new InvalidOperationException($"The start value of '{variable.Name}' speaks of running values.");
                    return variable;
                default:
                    return base.Rewrite(expression);
            }
        }

        private IndexExpr Substituted(IndexExpr index) => index.Substitute(v => owner.AxisOf(v, scope));
    }
}
