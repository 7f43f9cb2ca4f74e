using System.Collections.Immutable;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Loops.Text;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Verification;

/// <summary>The rules of computations.</summary>
internal sealed class ComputationRules(Computation computation)
{
    private readonly List<string> _violations = [];
    private readonly Slots _slots = new();
    private readonly Dictionary<string, Tensor> _readable = new(StringComparer.Ordinal);
    private Scope _scope = Scope.Empty;

    public IReadOnlyList<string> Run()
    {
        foreach (IndexVar dim in computation.Dims) _scope = Define(_scope, "dims", dim.Name, _slots.Index());
        Scope dims = _scope;
        foreach (Tensor tensor in computation.Inputs) Declare(tensor, dims, readable: true);
        foreach (ConstantTensor constant in computation.Constants) DeclareConstant(constant, dims);
        foreach (Tensor tensor in computation.Outputs) Declare(tensor, dims, readable: false);
        foreach (Tensor tensor in computation.Stages.Items.Select(s => s.Output).Except(computation.Outputs.Items)) Declare(tensor, dims, readable: false);

        HashSet<string> stages = new(StringComparer.Ordinal);
        foreach (Stage stage in computation.Stages)
        {
            if (!stages.Add(stage.Name)) Add(stage.Name, "there are two stages of this name");
            Visit(stage);
            if (!_readable.TryAdd(stage.Output.Name, stage.Output)) Add(stage.Name, $"'{stage.Output.Name}' is written already or given");
        }

        foreach (Tensor output in computation.Outputs.Items.Where(o => !_readable.ContainsKey(o.Name))) Add("outputs", $"no stage writes '{output.Name}'");
        return _violations;
    }

    private void Add(string place, string problem) => _violations.Add($"{computation.Name}: {place}: {problem}.");

    private Scope Define(Scope scope, string place, string name, Binding binding)
    {
        if (!scope.Names.ContainsKey(name)) return scope.With(name, binding);
        Add(place, $"'{name}' is defined twice");
        return scope with { Names = scope.Names.SetItem(name, binding) };
    }

    private void Check(string place, Action check)
    {
        try
        {
            check();
        }
        catch (InterpreterException e)
        {
            Add(place, e.Message);
        }
    }

    private void Declare(Tensor tensor, Scope dims, bool readable)
    {
        string place = $"tensor {tensor.Name}";
        _scope = Define(_scope, place, tensor.Name, _slots.Buffer(tensor.Element, true));
        foreach (IndexExpr dim in tensor.Dims) Check(place, () => IndexCompiler.Compile(dim, dims));
        ImmutableArray<LayoutLevel> levels = tensor.Layout.Levels.Items;
        if (levels.Any(l => l.Axis < 0 || l.Axis >= tensor.Dims.Length)) Add(place, $"the layout {tensor.Layout} has an axis that the tensor has not");
        for (int axis = 0; axis < tensor.Dims.Length; axis++)
        {
            LayoutLevel[] own = [.. levels.Where(l => l.Axis == axis)];
            if (own.Length == 0) Add(place, $"the layout {tensor.Layout} leaves out axis {axis}");
            else if (!IsSplit(own)) Add(place, $"the levels of axis {axis} in the layout {tensor.Layout} do not make up its index");
        }

        if (readable) _readable.TryAdd(tensor.Name, tensor);
    }

    /// <summary>True if the levels of an axis tell its elements apart: each counts blocks that the next smaller one fills.</summary>
    private static bool IsSplit(LayoutLevel[] levels)
    {
        LayoutLevel[] coarseFirst = [.. levels.OrderByDescending(l => l.Divisor)];
        bool samePads = levels.All(l => (l.PadLow, l.PadHigh) == (levels[0].PadLow, levels[0].PadHigh));
        bool chained = coarseFirst.Skip(1).Zip(coarseFirst).All(p => p.First.Modulus > 0 && p.First.Divisor * p.First.Modulus == p.Second.Divisor);
        return samePads && chained && coarseFirst[0].Modulus == 0 && coarseFirst[^1].Divisor == 1;
    }

    private void DeclareConstant(ConstantTensor constant, Scope dims)
    {
        Tensor tensor = constant.Tensor;
        string place = $"constant {tensor.Name}";
        Declare(tensor, dims, readable: true);
        Check(place, () => Memory.Of(tensor.Element, constant.Values));
        if (tensor.Dims.Items.Any(d => !d.IsConstant) || !tensor.Layout.IsRowMajor) Add(place, "its shape is not constant or its layout not row-major");
        else if (tensor.Length.Value != constant.Values.Length) Add(place, $"it has {constant.Values.Length} values for {tensor.Length} elements");
    }

    private void Visit(Stage stage)
    {
        if (stage.Pure.Length != stage.Output.Dims.Length)
            Add(stage.Name, $"{stage.Pure.Length} pure axes write '{stage.Output.Name}', which has {stage.Output.Dims.Length} dims");
        foreach ((Axis axis, IndexExpr dim) in stage.Pure.Items.Zip(stage.Output.Dims.Items))
            if (axis.Extent != dim) Add(stage.Name, $"axis {axis.Variable} of extent {axis.Extent} writes a dim of {dim}");
        if (stage.Reduction.Length > 0 && stage.Accumulators.Length == 0) Add(stage.Name, "a reduction without a running value");

        Scope pure = WithAxes(stage, stage.Pure, _scope), accumulated = pure;
        foreach (Accumulator a in stage.Accumulators) accumulated = Define(accumulated, stage.Name, a.Name, _slots.Value(a.Element, false, null));
        Scope reduced = WithAxes(stage, stage.Reduction, accumulated);
        foreach (Accumulator a in stage.Accumulators)
        {
            CheckValue(stage, a.Init, pure, a.Element, $"the start of '{a.Name}'");
            CheckValue(stage, a.Update, reduced, a.Element, $"the update of '{a.Name}'");
        }

        CheckValue(stage, stage.Result, accumulated, stage.Output.Element, "the result");
    }

    private Scope WithAxes(Stage stage, EquatableArray<Axis> axes, Scope scope)
    {
        foreach (Axis axis in axes)
        {
            Check(stage.Name, () => IndexCompiler.Compile(axis.Extent, scope));
            scope = Define(scope, stage.Name, axis.Variable.Name, _slots.Index());
        }

        return scope;
    }

    private void CheckValue(Stage stage, Expr value, Scope scope, ElementType element, string what)
    {
        if (value.Type != new VectorType(element)) Add(stage.Name, $"{what} is a {value.Type}, not a {element.Name()}");
        ExprCompiler compiler = new(_slots, (access, inner) => CompileAccess(access, inner));
        Check(stage.Name, () => compiler.Compile(value, scope));
        foreach (Load load in ExprWalk.All(value).OfType<Load>()) Add(stage.Name, $"'{Printer.Print(load)}' is a load, which belongs to kernels");
    }

    private LaneCode CompileAccess(Access access, Scope scope)
    {
        Tensor tensor = access.Tensor;
        if (!_readable.TryGetValue(tensor.Name, out Tensor? known)) throw new InterpreterException($"reads '{tensor.Name}', which no earlier stage writes");
        if (known != tensor) throw new InterpreterException($"reads '{tensor.Name}' as another tensor than is declared");
        if (access.Indices.Length != tensor.Dims.Length)
            throw new InterpreterException($"uses {access.Indices.Length} indices for '{tensor.Name}', which has {tensor.Dims.Length}");
        foreach (IndexExpr index in access.Indices) IndexCompiler.Compile(index, scope);
        return tensor.Element.IsFloat() ? new LaneCode(access.Type, (FloatLane)((_, _) => 0)) : new LaneCode(access.Type, (IntegerLane)((_, _) => 0));
    }
}
