namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>Runs a loop over a compiled body.</summary>
internal sealed class LoopCode(For loop, IndexCode lo, IndexCode hi, IndexBinding variable)
{
    /// <summary>Slots that every kernel has: a variable that is always 1, and the slice.</summary>
    public const int One = 0, From = 1, To = 2, FirstDim = 3;

    public IndexBinding Variable => variable;

    /// <summary>The value, checked against the range that the variable claims and simplification relies on.</summary>
    public static long InRange(IndexVar variable, long value) => value >= variable.Min && value <= variable.Max
        ? value
        : throw new InterpreterException($"'{variable.Name}' is {value}, outside [{variable.Min}, {variable.Max}]");

    /// <summary>One iteration after the other.</summary>
    public StatementCode Loop(StatementCode body)
    {
        void Run(Frame frame)
        {
            (long first, long end) = Bounds(frame);
            for (long i = first; i < end; i++)
            {
                frame.Indices[variable.Slot] = InRange(loop.Variable, i);
                body.Run(frame);
            }
        }

        IEnumerator<Barrier> Steps(Frame frame)
        {
            (long first, long end) = Bounds(frame);
            for (long i = first; i < end; i++)
            {
                frame.Indices[variable.Slot] = InRange(loop.Variable, i);
                IEnumerator<Barrier> steps = body.Steps!(frame);
                while (steps.MoveNext()) yield return steps.Current;
            }
        }

        return body.Steps is null ? new StatementCode(Run) : new StatementCode(Run, Steps);
    }

    /// <summary>
    /// All work-items together: each runs to its next barrier, and none passes it before all have reached it. Of nested loops over
    /// work-items, the outermost is the group's.
    /// </summary>
    public StatementCode Lanes(StatementCode body, bool outermost)
    {
        IEnumerator<Barrier> Steps(Frame frame)
        {
            (long first, long end) = Bounds(frame);
            List<(Frame Item, IEnumerator<Barrier> Steps)> items = [];
            for (long i = first; i < end; i++)
            {
                Frame item = frame.Fork((frame.Item * (end - first)) + (i - first));
                item.Indices[variable.Slot] = InRange(loop.Variable, i);
                frame.Execution.Running = item;
                if (body.Steps is null) body.Run(item);
                else items.Add((item, body.Steps(item)));
            }

            frame.Execution.Running = frame;
            while (items.Count > 0)
            {
                int waiting = 0;
                Barrier? barrier = null;
                foreach ((Frame item, IEnumerator<Barrier> steps) in items)
                {
                    frame.Execution.Running = item;
                    if (!steps.MoveNext()) continue;
                    waiting++;
                    if (barrier is not null && !ReferenceEquals(barrier, steps.Current)) throw Diverged(frame);
                    barrier = steps.Current;
                }

                frame.Execution.Running = frame;
                if (waiting == 0) yield break;
                if (waiting != items.Count) throw Diverged(frame);
                yield return barrier!;
            }
        }

        if (!outermost) return body.Steps is null ? new StatementCode(RunToEnd) : new StatementCode(RunToEnd, Steps);
        return new StatementCode(frame =>
        {
            frame.Execution.Epoch++;
            RunToEnd(frame);
            frame.Execution.Epoch++;
        });

        void RunToEnd(Frame frame)
        {
            IEnumerator<Barrier> steps = Steps(frame);
            while (steps.MoveNext()) frame.Execution.Epoch++;
        }
    }

    private InterpreterException Diverged(Frame frame)
    {
        (frame.Execution.At, frame.Execution.Running) = (loop, frame);
        return new InterpreterException("has work-items that wait at different barriers");
    }

    private (long First, long End) Bounds(Frame frame)
    {
        frame.Execution.At = loop;
        (long first, long end) = (lo(frame), hi(frame));
        if (loop.Kind is not LoopKind.Parallel) return (first, end);
        (long from, long to) = (frame.Indices[From], frame.Indices[To]);
        if (from < first || to > end) throw new InterpreterException($"runs over [{first}, {end}), which does not hold the slice [{from}, {to})");
        return (from, to);
    }
}
