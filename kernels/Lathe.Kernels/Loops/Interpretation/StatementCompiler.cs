using Lathe.Kernels.Loops.Text;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>
/// A compiled statement. <see cref="Run"/> runs it to its end; <see cref="Steps"/> is there if it contains barriers and stops at each.
/// </summary>
internal readonly record struct StatementCode(Action<Frame> Run, Func<Frame, IEnumerator<Barrier>>? Steps = null);

/// <summary>Ends a run with an error code.</summary>
internal sealed class KernelFailure(int code) : Exception
{
    public int Code => code;
}

/// <summary>Compiles statements to closures.</summary>
internal sealed class StatementCompiler(Slots slots)
{
    private readonly ExprCompiler _expressions = new(slots, access: null);
    private int _lanes;

    private readonly Dictionary<Statement, Scope> _scopes = new(ReferenceEqualityComparer.Instance);

    /// <summary>The statement being compiled, for errors.</summary>
    public Statement? At { get; private set; }

    /// <summary>A statement and, if a frame is given, the values of the variables around it.</summary>
    public string Describe(Statement? statement, Frame? frame)
    {
        if (statement is null) return "its parameters";
        string text = Printer.Head(statement);
        if (frame is null || !_scopes.TryGetValue(statement, out Scope? scope)) return text;
        string values = string.Join(", ", scope.Names
            .Where(n => n.Value is IndexBinding)
            .OrderBy(n => ((IndexBinding)n.Value).Slot)
            .Select(n => $"{n.Key}={frame.Indices[((IndexBinding)n.Value).Slot]}"));
        return $"{text} at {values}";
    }

    /// <summary>Compiles a block or a single statement.</summary>
    public StatementCode Compile(Statement statement, Scope scope) => Compile(statement, ref scope);

    private StatementCode Compile(Statement statement, ref Scope scope)
    {
        At = statement;
        _scopes[statement] = scope;
        switch (statement)
        {
            case Sequence sequence: return OfSequence(sequence, scope);
            case If branch: return OfIf(branch, scope);
            case For loop: return OfFor(loop, scope);
            case Note: return new StatementCode(_ => { });
            case Prefetch prefetch:
                // Prefetching does nothing and may reach beyond the end, but its names must be known.
                scope.Find<BufferBinding>(prefetch.Buffer);
                IndexCompiler.Compile(prefetch.Index, scope);
                return new StatementCode(_ => { });
            case Let let: return OfLet(let, ref scope);
            case LetIndex let: return OfLetIndex(let, ref scope);
            case Local local: return OfLocal(local, ref scope);
            case Assign assign: return OfAssign(assign, scope);
            case Pointer pointer: return OfPointer(pointer, ref scope);
            case Alloc alloc: return OfAlloc(alloc, scope);
            case Table table: return OfTable(table, ref scope);
            case Store store: return OfStore(store, scope);
            case TransposeBlock transpose: return OfTranspose(transpose, scope);
            case Barrier barrier:
                if (_lanes == 0) throw new InterpreterException("is outside the work-items of a group");
                return new StatementCode(_ => throw new InvalidOperationException("A barrier takes part in steps."), _ => Only(barrier));
            case Fail fail: return new StatementCode(_ => throw new KernelFailure(fail.Code));
            default: throw new ArgumentOutOfRangeException(nameof(statement), statement, "No statement.");
        }
    }

    private static IEnumerator<Barrier> Only(Barrier barrier)
    {
        yield return barrier;
    }

    private StatementCode OfSequence(Sequence sequence, Scope scope)
    {
        StatementCode[] parts = [.. sequence.Statements.Items.Select(s => Compile(s, ref scope))];
        void Run(Frame frame)
        {
            foreach (StatementCode part in parts) part.Run(frame);
        }

        IEnumerator<Barrier> Steps(Frame frame)
        {
            foreach (StatementCode part in parts)
            {
                if (part.Steps is null) part.Run(frame);
                else
                {
                    IEnumerator<Barrier> steps = part.Steps(frame);
                    while (steps.MoveNext()) yield return steps.Current;
                }
            }
        }

        return parts.Any(p => p.Steps is not null) ? new StatementCode(Run, Steps) : new StatementCode(Run);
    }

    private StatementCode OfIf(If branch, Scope scope)
    {
        LaneCode condition = _expressions.Compile(branch.Condition, scope);
        if (condition.Type != new VectorType(ElementType.Bool)) throw new InterpreterException($"branches on a {condition.Type}");
        IntegerLane choice = condition.Integer!;
        StatementCode then = Compile(branch.Then, scope);
        StatementCode otherwise = branch.Else is null ? new StatementCode(_ => { }) : Compile(branch.Else, scope);
        StatementCode Chosen(Frame frame)
        {
            frame.Begin(branch);
            return choice(frame, 0) != 0 ? then : otherwise;
        }

        IEnumerator<Barrier> Steps(Frame frame)
        {
            StatementCode chosen = Chosen(frame);
            if (chosen.Steps is null)
            {
                chosen.Run(frame);
                yield break;
            }

            IEnumerator<Barrier> steps = chosen.Steps(frame);
            while (steps.MoveNext()) yield return steps.Current;
        }

        void Run(Frame frame) => Chosen(frame).Run(frame);
        return then.Steps is null && otherwise.Steps is null ? new StatementCode(Run) : new StatementCode(Run, Steps);
    }

    private StatementCode OfFor(For loop, Scope scope)
    {
        if (loop.Kind is LoopKind.Group && _lanes > 0) throw new InterpreterException("is a loop over groups among work-items");
        LoopCode code = new(loop, IndexCompiler.Compile(loop.Lo, scope), IndexCompiler.Compile(loop.Hi, scope), slots.Index());
        Scope inner = scope.With(loop.Variable.Name, code.Variable);
        if (loop.Kind is LoopKind.Parallel or LoopKind.Group or LoopKind.Lane) inner = inner with { Concurrent = loop };
        bool lane = loop.Kind is LoopKind.Lane, outermost = lane && _lanes == 0;
        if (lane) _lanes++;
        StatementCode body = Compile(loop.Body, inner);
        if (lane) _lanes--;
        return !lane ? code.Loop(body) : code.Lanes(body, outermost);
    }

    private StatementCode OfLet(Let let, ref Scope scope)
    {
        LaneCode value = _expressions.Compile(let.Value, scope);
        ValueBinding binding = slots.Value(value.Type, mutable: false, owner: scope.Concurrent);
        scope = scope.With(let.Name, binding);
        return OfSet(let, binding, value);
    }

    /// <summary>All lanes are computed before one is set: the value may shuffle the name's own.</summary>
    private static StatementCode OfSet(Statement at, ValueBinding binding, LaneCode value)
    {
        (int slot, int lanes) = (binding.Slot, binding.Type.Lanes);
        if (value.Float is { } real)
        {
            return new StatementCode(frame =>
            {
                frame.Begin(at);
                Span<double> values = stackalloc double[lanes];
                for (int i = 0; i < lanes; i++) values[i] = real(frame, i);
                values.CopyTo(frame.Floats.AsSpan(slot));
                frame.FloatsSet[slot] = true;
            });
        }

        IntegerLane integer = value.Integer!;
        return new StatementCode(frame =>
        {
            frame.Begin(at);
            Span<long> values = stackalloc long[lanes];
            for (int i = 0; i < lanes; i++) values[i] = integer(frame, i);
            values.CopyTo(frame.Integers.AsSpan(slot));
            frame.IntegersSet[slot] = true;
        });
    }

    private StatementCode OfLetIndex(LetIndex let, ref Scope scope)
    {
        IndexCode value = IndexCompiler.Compile(let.Value, scope);
        IndexBinding binding = slots.Index();
        scope = scope.With(let.Variable.Name, binding);
        return new StatementCode(frame =>
        {
            frame.Begin(let);
            frame.Indices[binding.Slot] = LoopCode.InRange(let.Variable, value(frame));
        });
    }

    private StatementCode OfLocal(Local local, ref Scope scope)
    {
        ValueBinding binding = slots.Value(local.Type, mutable: true, owner: scope.Concurrent);
        scope = scope.With(local.Name, binding);
        return local.Type.Element.IsFloat()
            ? new StatementCode(frame => frame.FloatsSet[binding.Slot] = false)
            : new StatementCode(frame => frame.IntegersSet[binding.Slot] = false);
    }

    private StatementCode OfAssign(Assign assign, Scope scope)
    {
        ValueBinding binding = scope.Find<ValueBinding>(assign.Name);
        if (!binding.Mutable) throw new InterpreterException($"assigns '{assign.Name}', which is no local");
        if (!ReferenceEquals(binding.Owner, scope.Concurrent))
            throw new InterpreterException($"assigns '{assign.Name}', which belongs outside the {scope.Concurrent!.Kind} loop over {scope.Concurrent.Variable}");
        LaneCode value = _expressions.Compile(assign.Value, scope);
        if (value.Type != binding.Type) throw new InterpreterException($"assigns a {value.Type} to '{assign.Name}', a {binding.Type}");
        return OfSet(assign, binding, value);
    }

    private StatementCode OfPointer(Pointer pointer, ref Scope scope)
    {
        BufferBinding source = scope.Find<BufferBinding>(pointer.Buffer);
        IndexCode offset = IndexCompiler.Compile(pointer.Offset, scope);
        BufferBinding binding = slots.Buffer(source.Element, source.Written);
        scope = scope.With(pointer.Name, binding);
        return new StatementCode(frame =>
        {
            frame.Begin(pointer);
            Address address = frame.Buffers[source.Slot];
            frame.Buffers[binding.Slot] = address with { Offset = checked(address.Offset + offset(frame)) };
        });
    }

    private StatementCode OfAlloc(Alloc alloc, Scope scope)
    {
        if (alloc.Scope is MemoryScope.Group && _lanes > 0) throw new InterpreterException($"makes the group's memory {alloc.Name} in a work-item");
        IndexCode size = IndexCompiler.Compile(alloc.Size, scope);
        BufferBinding binding = slots.Buffer(alloc.Element, written: true);
        StatementCode body = Compile(alloc.Body, scope.With(alloc.Name, binding));
        void Make(Frame frame)
        {
            frame.Begin(alloc);
            long count = size(frame);
            if (count < 0) throw new InterpreterException($"allocates {count} elements");
            Memory memory = Memory.Uninitialised(alloc.Element, count, alloc.Scope is MemoryScope.Group ? new RaceCheck(count) : null);
            frame.Buffers[binding.Slot] = new Address(memory, 0);
        }

        IEnumerator<Barrier> Steps(Frame frame)
        {
            Make(frame);
            return body.Steps!(frame);
        }

        void Run(Frame frame)
        {
            Make(frame);
            body.Run(frame);
        }

        return body.Steps is null ? new StatementCode(Run) : new StatementCode(Run, Steps);
    }

    private StatementCode OfTable(Table table, ref Scope scope)
    {
        BufferBinding binding = slots.Buffer(table.Element, written: false);
        scope = scope.With(table.Name, binding);
        Address address = new(Memory.Of(table.Element, table.Values), 0);
        return new StatementCode(frame => frame.Buffers[binding.Slot] = address);
    }

    private static StatementCode OfTranspose(TransposeBlock transpose, Scope scope)
    {
        BufferBinding to = scope.Find<BufferBinding>(transpose.To), from = scope.Find<BufferBinding>(transpose.From);
        if (!to.Written) throw new InterpreterException($"writes {transpose.To}, which is an input");
        if (to.Element != from.Element) throw new InterpreterException($"copies {from.Element.Name()} to {transpose.To}, which holds {to.Element.Name()}");
        IndexCode toIndex = IndexCompiler.Compile(transpose.ToIndex, scope), toStride = IndexCompiler.Compile(transpose.ToStride, scope);
        IndexCode fromIndex = IndexCompiler.Compile(transpose.FromIndex, scope), fromStride = IndexCompiler.Compile(transpose.FromStride, scope);
        return new StatementCode(frame =>
        {
            frame.Begin(transpose);
            Address target = frame.Buffers[to.Slot], source = frame.Buffers[from.Slot];
            for (long i = 0; i < transpose.Rows; i++)
            {
                for (long j = 0; j < transpose.Columns; j++)
                {
                    long read = frame.Readable(source, transpose.From, checked(fromIndex(frame) + (j * fromStride(frame)) + i));
                    long written = frame.Writable(target, transpose.To, checked(toIndex(frame) + (i * toStride(frame)) + j));
                    if (to.Element.IsFloat()) target.Memory.SetFloat(written, source.Memory.GetFloat(read));
                    else target.Memory.SetInteger(written, source.Memory.GetInteger(read));
                }
            }
        });
    }

    private StatementCode OfStore(Store store, Scope scope)
    {
        BufferBinding buffer = scope.Find<BufferBinding>(store.Buffer);
        LaneCode value = _expressions.Compile(store.Value, scope);
        int lanes = value.Type.Lanes, slot = buffer.Slot;
        if (!buffer.Written) throw new InterpreterException($"writes {store.Buffer}, which is an input");
        if (value.Type.Element != buffer.Element) throw new InterpreterException($"stores a {value.Type} to {store.Buffer}, which holds {buffer.Element.Name()}");
        IndexCode index = IndexCompiler.Compile(store.Index, scope);
        IntegerLane? mask = _expressions.Mask(store.Mask, lanes, scope);
        return new StatementCode(frame =>
        {
            frame.Begin(store);
            Address address = frame.Buffers[slot];
            long first = index(frame);
            Span<double> floats = stackalloc double[lanes];
            Span<long> integers = stackalloc long[lanes];
            Span<bool> chosen = stackalloc bool[lanes];

            // All lanes are computed before one is written: the value may come from the same memory.
            for (int i = 0; i < lanes; i++)
            {
                chosen[i] = mask is null || mask(frame, i) != 0;
                if (!chosen[i]) continue;
                if (value.Float is { } real) floats[i] = real(frame, i);
                else integers[i] = value.Integer!(frame, i);
            }

            for (int i = 0; i < lanes; i++)
            {
                if (!chosen[i]) continue;
                long at = frame.Writable(address, store.Buffer, checked(first + (i * store.Stride)));
                if (value.Float is null) address.Memory.SetInteger(at, integers[i]);
                else address.Memory.SetFloat(at, floats[i]);
            }
        });
    }
}
