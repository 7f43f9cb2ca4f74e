using System.Collections.Immutable;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>
/// Evaluates a computation as it stands, stage by stage and point by point: the reference for every schedule. Sums run over the reduction
/// axes in order, the last one fastest.
/// </summary>
public sealed class ComputationInterpreter
{
    private readonly Slots _slots = new();
    private readonly ExprCompiler _expressions;
    private readonly int[] _dims;
    private readonly List<(Tensor Tensor, int Slot, IndexCode[] Dims)> _temporaries = [];
    private readonly List<(Memory Values, int Slot)> _constants = [];
    private readonly List<Action<Frame>> _stages = [];

    private ComputationInterpreter(Computation computation)
    {
        Scope scope = Scope.Empty;
        _expressions = new ExprCompiler(_slots, CompileAccess);
        IndexBinding[] dims = [.. computation.Dims.Items.Select(_ => _slots.Index())];
        _dims = [.. dims.Select(d => d.Slot)];
        foreach ((IndexVar dim, IndexBinding binding) in computation.Dims.Items.Zip(dims)) scope = scope.With(dim.Name, binding);
        foreach (Tensor tensor in computation.Inputs) scope = scope.With(tensor.Name, _slots.Buffer(tensor.Element, written: false));
        foreach (Tensor tensor in computation.Outputs) scope = scope.With(tensor.Name, _slots.Buffer(tensor.Element, written: true));
        foreach (ConstantTensor constant in computation.Constants)
        {
            BufferBinding binding = _slots.Buffer(constant.Tensor.Element, written: false);
            scope = scope.With(constant.Tensor.Name, binding);
            _constants.Add((Memory.Of(constant.Tensor.Element, constant.Values), binding.Slot));
        }

        foreach (Stage stage in computation.Stages)
        {
            Tensor output = stage.Output;
            if (computation.Outputs.Contains(output)) continue;
            BufferBinding binding = _slots.Buffer(output.Element, written: true);
            scope = scope.With(output.Name, binding);
            _temporaries.Add((output, binding.Slot, [.. output.Dims.Items.Select(d => IndexCompiler.Compile(d, scope))]));
        }

        foreach (Stage stage in computation.Stages) _stages.Add(Compile(stage, scope));
    }

    /// <summary>Evaluates a computation.</summary>
    /// <param name="computation">The computation.</param>
    /// <param name="buffers">Memory for its inputs and then its outputs, as long as their layouts say.</param>
    /// <param name="dims">Values of its dims, in order.</param>
    /// <exception cref="InterpreterException">The computation did what none may do; the message names the stage.</exception>
    public static void Run(Computation computation, IReadOnlyList<Memory> buffers, IReadOnlyList<long> dims)
    {
        if (buffers.Count != computation.Inputs.Length + computation.Outputs.Length)
            throw new ArgumentException($"{computation.Name} takes {computation.Inputs.Length + computation.Outputs.Length} buffers.", nameof(buffers));
        if (dims.Count != computation.Dims.Length) throw new ArgumentException($"{computation.Name} takes {computation.Dims.Length} dims.", nameof(dims));
        Stage? at = null;
        try
        {
            ComputationInterpreter interpreter = new(computation);
            Frame frame = interpreter._slots.NewFrame();
            for (int i = 0; i < dims.Count; i++) frame.Indices[interpreter._dims[i]] = LoopCode.InRange(computation.Dims[i], dims[i]);
            for (int i = 0; i < buffers.Count; i++) frame.Buffers[i] = new Address(buffers[i], 0);
            foreach ((Memory values, int slot) in interpreter._constants) frame.Buffers[slot] = new Address(values, 0);
            foreach ((Tensor tensor, int slot, IndexCode[] shape) in interpreter._temporaries)
                frame.Buffers[slot] = new Address(Temporary(tensor, [.. shape.Select(d => d(frame))]), 0);
            for (int i = 0; i < interpreter._stages.Count; i++)
            {
                at = computation.Stages[i];
                interpreter._stages[i](frame);
            }
        }
        catch (Exception e) when (e is InterpreterException or OverflowException or DivideByZeroException)
        {
            throw new InterpreterException($"{computation.Name}: {(at is null ? string.Empty : $"stage {at.Name}: ")}{e.Message}.", e);
        }
    }

    /// <summary>Memory in which the halo is zero and nothing else is written.</summary>
    private static Memory Temporary(Tensor tensor, long[] shape)
    {
        Layout layout = tensor.Layout;
        Memory memory = Memory.Uninitialised(tensor.Element, layout.Length([.. shape.Select(d => (IndexExpr)d)]).Value);
        long[] low = [.. shape.Select((_, a) => layout.PadLow(a))], high = [.. shape.Select((d, a) => d + layout.PadHigh(a))];
        Fill(0, new long[shape.Length], inHalo: false);
        return memory;

        void Fill(int axis, long[] index, bool inHalo)
        {
            if (axis == shape.Length)
            {
                if (!inHalo) return;
                if (tensor.Element.IsFloat()) memory.SetFloat(Offset(layout, shape, index, ImmutableDictionary<IndexVar, long>.Empty), 0);
                else memory.SetInteger(Offset(layout, shape, index, ImmutableDictionary<IndexVar, long>.Empty), 0);
                return;
            }

            for (index[axis] = -low[axis]; index[axis] < high[axis]; index[axis]++)
                Fill(axis + 1, index, inHalo || index[axis] < 0 || index[axis] >= shape[axis]);
        }
    }

    /// <summary>The offset of an element, worked out level by level in numbers.</summary>
    private static long Offset(Layout layout, long[] shape, long[] index, IReadOnlyDictionary<IndexVar, long> strides)
    {
        long offset = 0, given = 0;
        foreach (LayoutLevel level in layout.Levels)
        {
            long length = level.Modulus != 0
                ? level.Modulus
                : (shape[level.Axis] + level.PadLow + level.PadHigh + level.Divisor - 1) / level.Divisor;
            long at = (index[level.Axis] + level.PadLow) / level.Divisor;
            if (level.Modulus != 0) at %= level.Modulus;
            if (level.Stride is not null)
            {
                given = checked(given + (offset * length) + (at * strides[level.Stride]));
                offset = 0;
                continue;
            }

            offset = checked((offset * length) + at);
        }

        return checked(given + offset);
    }

    private static LaneCode CompileAccess(Access access, Scope scope)
    {
        Func<Frame, long> place = Place(access.Tensor, access.Indices, scope);
        BufferBinding buffer = scope.Find<BufferBinding>(access.Tensor.Name);
        string name = access.Tensor.Name;
        if (buffer.Element != access.Tensor.Element) throw new InterpreterException($"reads {name} as {access.Tensor.Element.Name()}");
        if (buffer.Element.IsFloat())
        {
            return new LaneCode(access.Type, (f, _) =>
            {
                Address address = f.Buffers[buffer.Slot];
                return address.Memory.GetFloat(f.Readable(address, name, place(f)));
            });
        }

        return new LaneCode(access.Type, (f, _) =>
        {
            Address address = f.Buffers[buffer.Slot];
            return address.Memory.GetInteger(f.Readable(address, name, place(f)));
        });
    }

    /// <summary>The offset of an element, whose indices may reach into the halo but not beyond.</summary>
    private static Func<Frame, long> Place(Tensor tensor, IReadOnlyList<IndexExpr> indices, Scope scope)
    {
        if (indices.Count != tensor.Dims.Length) throw new InterpreterException($"uses {indices.Count} indices for {tensor.Name}, which has {tensor.Dims.Length}");
        IndexCode[] dims = [.. tensor.Dims.Items.Select(d => IndexCompiler.Compile(d, scope))];
        IndexCode[] codes = [.. indices.Select(i => IndexCompiler.Compile(i, scope))];
        Layout layout = tensor.Layout;
        Dictionary<IndexVar, IndexCode> given = layout.Strides.Distinct().ToDictionary(s => s, s => IndexCompiler.Compile(s, scope));
        return frame =>
        {
            long[] shape = new long[dims.Length], index = new long[dims.Length];
            for (int axis = 0; axis < dims.Length; axis++)
            {
                (shape[axis], index[axis]) = (dims[axis](frame), codes[axis](frame));
                if (index[axis] < -layout.PadLow(axis) || index[axis] >= shape[axis] + layout.PadHigh(axis))
                    throw new InterpreterException($"has index {index[axis]} on axis {axis} of {tensor.Name}, whose extent is {shape[axis]}");
            }

            return Offset(layout, shape, index, given.ToDictionary(g => g.Key, g => g.Value(frame)));
        };
    }

    private Action<Frame> Compile(Stage stage, Scope scope)
    {
        (IndexCode Extent, int Slot)[] Bind(IEnumerable<Axis> axes)
        {
            List<(IndexCode, int)> bound = [];
            foreach (Axis axis in axes)
            {
                IndexCode extent = IndexCompiler.Compile(axis.Extent, scope);
                IndexBinding binding = _slots.Index();
                scope = scope.With(axis.Variable.Name, binding);
                bound.Add((extent, binding.Slot));
            }

            return [.. bound];
        }

        (IndexCode Extent, int Slot)[] pure = Bind(stage.Pure);
        LaneCode[] inits = [.. stage.Accumulators.Items.Select(a => _expressions.Compile(a.Init, scope))];
        ValueBinding[] values = [.. stage.Accumulators.Items.Select(a => _slots.Value(a.Element, mutable: false, owner: null))];
        for (int i = 0; i < values.Length; i++) scope = scope.With(stage.Accumulators[i].Name, values[i]);
        Scope outer = scope;
        (IndexCode Extent, int Slot)[] reduction = Bind(stage.Reduction);
        LaneCode[] updates = [.. stage.Accumulators.Items.Select(a => _expressions.Compile(a.Update, scope))];
        LaneCode result = _expressions.Compile(stage.Result, outer);
        for (int i = 0; i < values.Length; i++)
        {
            if (inits[i].Type != values[i].Type || updates[i].Type != values[i].Type)
            {
                throw new InterpreterException(
                    $"stage {stage.Name}: '{stage.Accumulators[i].Name}' is a {values[i].Type}, starts as {inits[i].Type}, becomes {updates[i].Type}");
            }
        }

        if (result.Type != new VectorType(stage.Output.Element)) throw new InterpreterException($"stage {stage.Name}: stores a {result.Type} to {stage.Output.Name}");
        Func<Frame, long> place = Place(stage.Output, [.. stage.Pure.Items.Select(a => (IndexExpr)a.Variable)], outer);
        BufferBinding output = scope.Find<BufferBinding>(stage.Output.Name);

        void Set(Frame frame, LaneCode[] codes)
        {
            // Every update sees the values before the iteration.
            frame.Execution.Tick++;
            (double Float, long Integer)[] next = [.. codes.Select(c => (c.Float?.Invoke(frame, 0) ?? 0, c.Integer?.Invoke(frame, 0) ?? 0))];
            for (int i = 0; i < values.Length; i++)
            {
                if (codes[i].Float is null) frame.Integers[values[i].Slot] = next[i].Integer;
                else frame.Floats[values[i].Slot] = next[i].Float;
            }
        }

        return frame => Nest(frame, pure, 0, () =>
        {
            Set(frame, inits);
            Nest(frame, reduction, 0, () => Set(frame, updates));
            frame.Execution.Tick++;
            Address address = frame.Buffers[output.Slot];
            long at = frame.Writable(address, stage.Output.Name, place(frame));
            if (result.Float is { } real) address.Memory.SetFloat(at, real(frame, 0));
            else address.Memory.SetInteger(at, result.Integer!(frame, 0));
        });
    }

    private static void Nest(Frame frame, (IndexCode Extent, int Slot)[] axes, int axis, Action body)
    {
        if (axis == axes.Length)
        {
            body();
            return;
        }

        long extent = axes[axis].Extent(frame);
        for (long i = 0; i < extent; i++)
        {
            frame.Indices[axes[axis].Slot] = i;
            Nest(frame, axes, axis + 1, body);
        }
    }
}
