using System.Collections.Immutable;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Loops.Text;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Verification;

/// <summary>The rules that both dialects share and those of the scheduled one; <paramref name="final"/> adds its own.</summary>
internal sealed class KernelRules(Kernel kernel, FinalRules? final)
{
    private readonly List<string> _violations = [];
    private readonly Slots _slots = new();
    private int _parallel;

    /// <summary>The loops around a statement, outermost first, and whether a branch is among them.</summary>
    private sealed record Around(ImmutableArray<LoopKind> Loops, bool Branch)
    {
        public bool Has(LoopKind kind) => Loops.Contains(kind);
    }

    public IReadOnlyList<string> Run()
    {
        Scope scope = Scope.Empty.With(Kernel.From.Name, _slots.Index()).With(Kernel.To.Name, _slots.Index());
        foreach (IndexVar dim in kernel.Dims) scope = Define(scope, "dims", dim.Name, _slots.Index());
        foreach (Parameter parameter in kernel.Parameters) scope = Define(scope, "parameters", parameter.Name, _slots.Buffer(parameter.Element, parameter.Written));
        Visit(kernel.Body, ref scope, new Around([], false));
        return _violations;
    }

    private void Add(string place, string problem) => _violations.Add($"{kernel.Name}: {place}: {problem}.");

    private void Add(Statement place, string problem) => Add(Printer.Head(place), problem);

    private Scope Define(Scope scope, string place, string name, Binding binding)
    {
        if (!scope.Names.ContainsKey(name)) return scope.With(name, binding);
        Add(place, $"'{name}' is defined twice");
        return scope with { Names = scope.Names.SetItem(name, binding) };
    }

    private Scope Define(Scope scope, Statement place, string name, Binding binding) =>
        Define(scope, scope.Names.ContainsKey(name) ? Printer.Head(place) : string.Empty, name, binding);

    /// <summary>Runs a check that throws at the first problem.</summary>
    private bool Check(Statement place, Action check)
    {
        try
        {
            check();
            return true;
        }
        catch (InterpreterException e)
        {
            Add(place, e.Message);
            return false;
        }
    }

    private void CheckIndex(Statement place, IndexExpr index, Scope scope) => Check(place, () => IndexCompiler.Compile(index, scope));

    private void CheckValue(Statement place, Expr value, Scope scope)
    {
        if (!Check(place, () => new ExprCompiler(_slots, access: null).Compile(value, scope)) || final is null) return;
        foreach (string problem in final.Problems(value)) Add(place, problem);
    }

    private void CheckAddress(Statement place, string buffer, IndexExpr index, Scope scope)
    {
        CheckIndex(place, index, scope);
        if (final?.Address(buffer, index) is { } problem) Add(place, problem);
    }

    private void CheckPlain(Statement place, IndexExpr index)
    {
        if (final is not null && FinalRules.Atoms(index) is { } problem) Add(place, problem);
    }

    private void Visit(Statement statement, ref Scope scope, Around around)
    {
        Scope at = scope;
        switch (statement)
        {
            case Sequence s:
                Scope inner = scope;
                foreach (Statement part in s.Statements) Visit(part, ref inner, around);
                break;
            case If s:
                CheckValue(s, s.Condition, scope);
                if (s.Condition.Type != new VectorType(ElementType.Bool)) Add(s, $"the condition is a {s.Condition.Type}");
                Scope then = scope, otherwise = scope;
                Visit(s.Then, ref then, around with { Branch = true });
                if (s.Else is not null) Visit(s.Else, ref otherwise, around with { Branch = true });
                break;
            case For s:
                VisitLoop(s, scope, around);
                break;
            case Let s:
                CheckValue(s, s.Value, scope);
                scope = Define(scope, s, s.Name, _slots.Value(s.Value.Type, false, scope.Concurrent));
                break;
            case LetIndex s:
                CheckIndex(s, s.Value, scope);
                if (s.Value.IsConstant && (s.Value.Value < s.Variable.Min || s.Value.Value > s.Variable.Max)) Add(s, $"{s.Value} lies outside the variable's range");
                scope = Define(scope, s, s.Variable.Name, _slots.Index());
                break;
            case Local s:
                if (final?.Vector(s.Type) is { } wrong) Add(s, wrong);
                scope = Define(scope, s, s.Name, _slots.Value(s.Type, true, scope.Concurrent));
                break;
            case Assign s:
                CheckValue(s, s.Value, scope);
                VisitAssign(s, scope);
                break;
            case Pointer s:
                CheckIndex(s, s.Offset, scope);
                CheckPlain(s, s.Offset);
                BufferBinding source = new(ElementType.Undefined, 0, true);
                Check(s, () => source = at.Find<BufferBinding>(s.Buffer));
                scope = Define(scope, s, s.Name, _slots.Buffer(source.Element, source.Written));
                break;
            case Alloc s:
                VisitAlloc(s, scope, around);
                break;
            case Table s:
                if (final is not null) Add(s, "the final dialect has no tables");
                Check(s, () => Memory.Of(s.Element, s.Values));
                scope = Define(scope, s, s.Name, _slots.Buffer(s.Element, false));
                break;
            case Store s:
                VisitStore(s, scope);
                break;
            case TransposeBlock s:
                VisitTranspose(s, scope);
                break;
            case Prefetch s:
                CheckAddress(s, s.Buffer, s.Index, scope);
                Check(s, () => at.Find<BufferBinding>(s.Buffer));
                break;
            case Barrier:
                if (!around.Has(LoopKind.Lane)) Add(statement, "a barrier is outside the work-items of a group");
                break;
            case Fail { Code: 0 }:
                Add(statement, "0 is no error code");
                break;
        }
    }

    private void VisitLoop(For loop, Scope scope, Around around)
    {
        CheckIndex(loop, loop.Lo, scope);
        CheckIndex(loop, loop.Hi, scope);
        if (loop.Lo.IsConstant && loop.Hi.IsConstant && loop.Lo.Value < loop.Hi.Value && (loop.Lo.Value < loop.Variable.Min || loop.Hi.Value - 1 > loop.Variable.Max))
            Add(loop, "the variable's range does not hold the loop's values");
        switch (loop.Kind)
        {
            case LoopKind.Parallel:
                if (++_parallel > 1) Add(loop, "there is more than one parallel loop");
                if (around.Loops.Length > 0 || around.Branch) Add(loop, "the parallel loop is not outermost");
                break;
            case LoopKind.Group:
                if (around.Loops.Any(k => k is not LoopKind.Group) || around.Branch) Add(loop, "a loop over groups is not outermost");
                break;
            case LoopKind.Lane:
                if (around.Loops.Any(k => k is LoopKind.Vector or LoopKind.Dot or LoopKind.Unroll)) Add(loop, "work-items are inside an unrolled loop");
                break;
            case LoopKind.Unroll or LoopKind.Vector or LoopKind.Dot:
                if (final is not null) Add(loop, $"the final dialect has no {loop.Kind.ToString().ToLowerInvariant()} loops");
                else if (!(loop.Hi - loop.Lo).IsConstant) Add(loop, "the number of iterations is not constant");
                else if (loop.Kind == LoopKind.Dot && (loop.Hi - loop.Lo).Value is not (2 or 4)) Add(loop, "a dot has two or four parts");
                break;
        }

        Scope body = Define(scope, loop, loop.Variable.Name, _slots.Index());
        if (loop.Kind is LoopKind.Parallel or LoopKind.Group or LoopKind.Lane) body = body with { Concurrent = loop };
        Visit(loop.Body, ref body, around with { Loops = around.Loops.Add(loop.Kind) });
    }

    private void VisitAssign(Assign assign, Scope scope) => Check(assign, () =>
    {
        ValueBinding local = scope.Find<ValueBinding>(assign.Name);
        if (!local.Mutable) Add(assign, $"'{assign.Name}' is no local");
        else if (!ReferenceEquals(local.Owner, scope.Concurrent))
            Add(assign, $"'{assign.Name}' belongs outside the loop over {scope.Concurrent?.Variable}, whose iterations are concurrent");
        if (local.Type != assign.Value.Type) Add(assign, $"'{assign.Name}' is a {local.Type}, its value a {assign.Value.Type}");
    });

    private void VisitAlloc(Alloc alloc, Scope scope, Around around)
    {
        CheckIndex(alloc, alloc.Size, scope);
        CheckPlain(alloc, alloc.Size);
        if (alloc.Scope == MemoryScope.Register && final is not null) Add(alloc, "the final dialect has no register arrays");
        if (alloc.Scope == MemoryScope.Register && !alloc.Size.IsConstant) Add(alloc, "the size of a register array is not constant");
        if (alloc.Size.IsConstant && alloc.Size.Value < 0) Add(alloc, "the size is negative");
        if (alloc.Scope == MemoryScope.Group && around.Has(LoopKind.Lane)) Add(alloc, "a group's memory is made in a work-item");
        Scope body = Define(scope, alloc, alloc.Name, _slots.Buffer(alloc.Element, true));
        Visit(alloc.Body, ref body, around);
    }

    private void VisitTranspose(TransposeBlock transpose, Scope scope)
    {
        CheckAddress(transpose, transpose.To, transpose.ToIndex, scope);
        CheckAddress(transpose, transpose.From, transpose.FromIndex, scope);
        foreach (IndexExpr stride in (IndexExpr[])[transpose.ToStride, transpose.FromStride])
        {
            CheckIndex(transpose, stride, scope);
            CheckPlain(transpose, stride);
        }

        if (transpose.Rows < 1 || transpose.Columns < 1) Add(transpose, "the block is empty");
        if (final?.Transpose(transpose) is { } problem) Add(transpose, problem);
        Check(transpose, () =>
        {
            BufferBinding to = scope.Find<BufferBinding>(transpose.To), from = scope.Find<BufferBinding>(transpose.From);
            if (!to.Written) Add(transpose, $"'{transpose.To}' is not written by this kernel");
            if (to.Element != from.Element && to.Element != ElementType.Undefined && from.Element != ElementType.Undefined)
                Add(transpose, $"'{transpose.To}' holds {to.Element.Name()}, '{transpose.From}' {from.Element.Name()}");
            else if (from.Element is not (ElementType.Float32 or ElementType.Int32 or ElementType.Undefined)) Add(transpose, $"a block of {from.Element.Name()} is not transposed");
        });
    }

    private void VisitStore(Store store, Scope scope)
    {
        CheckValue(store, store.Value, scope);
        CheckAddress(store, store.Buffer, store.Index, scope);
        VectorType type = store.Value.Type;
        if (store.Mask is not null)
        {
            CheckValue(store, store.Mask, scope);
            if (store.Mask.Type != new VectorType(ElementType.Bool, type.Lanes)) Add(store, $"the mask of {type.Lanes} lanes is a {store.Mask.Type}");
        }

        if (type.Lanes > 1 && store.Stride == 0) Add(store, "all lanes are stored to one element");
        Check(store, () =>
        {
            BufferBinding buffer = scope.Find<BufferBinding>(store.Buffer);
            if (!buffer.Written) Add(store, $"'{store.Buffer}' is not written by this kernel");
            if (buffer.Element != type.Element && buffer.Element != ElementType.Undefined)
                Add(store, $"'{store.Buffer}' holds {buffer.Element.Name()}, the value is a {type}");
        });
    }
}
