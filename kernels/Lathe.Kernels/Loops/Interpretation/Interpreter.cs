using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>
/// Runs loop programs of either dialect, slowly and strictly: it is the oracle that passes and targets are compared with bit by bit.
/// It checks bounds, reads of memory and locals that were never set, types, ranges that variables claim, and races in a group's memory.
/// </summary>
public sealed class Interpreter
{
    private readonly Kernel _kernel;
    private readonly Slots _slots = new();
    private readonly StatementCompiler _compiler;
    private readonly Action<Frame> _run;

    /// <summary>Resolves a kernel's names and compiles it to closures.</summary>
    /// <exception cref="InterpreterException">A name or a type is wrong.</exception>
    public Interpreter(Kernel kernel)
    {
        _kernel = kernel;
        Scope scope = Scope.Empty.With(Kernel.From.Name, _slots.Index()).With(Kernel.To.Name, _slots.Index());
        _compiler = new StatementCompiler(_slots);
        try
        {
            foreach (IndexVar dim in kernel.Dims) scope = scope.With(dim.Name, _slots.Index());
            foreach (Parameter parameter in kernel.Parameters) scope = scope.With(parameter.Name, _slots.Buffer(parameter.Element, parameter.Written));
            _run = _compiler.Compile(kernel.Body, scope).Run;
        }
        catch (InterpreterException e)
        {
            throw new InterpreterException($"{kernel.Name}: {_compiler.Describe(_compiler.At, null)}: {e.Message}.", e);
        }
    }

    /// <summary>Runs the whole parallel axis of a kernel.</summary>
    /// <returns>0, or the code of the <see cref="Fail"/> that ended it.</returns>
    public static int Run(Kernel kernel, IReadOnlyList<Memory> buffers, IReadOnlyList<long> dims) =>
        new Interpreter(kernel).Run(buffers, dims, 0, ParallelExtent(kernel, dims));

    /// <summary>The length of the parallel axis for given dims; 1 if the kernel has none.</summary>
    public static long ParallelExtent(Kernel kernel, IReadOnlyList<long> dims)
    {
        Dictionary<string, long> values = new(StringComparer.Ordinal);
        for (int i = 0; i < kernel.Dims.Length; i++) values[kernel.Dims[i].Name] = dims[i];
        return Find(kernel.Body) ?? 1;

        long? Find(Statement statement)
        {
            switch (statement)
            {
                case For { Kind: LoopKind.Parallel } loop: return loop.Hi.Evaluate(v => values[v.Name]);
                case LetIndex let:
                    values[let.Variable.Name] = let.Value.Evaluate(v => values[v.Name]);
                    return null;
                case Alloc alloc: return Find(alloc.Body);
                case Sequence sequence:
                    foreach (Statement part in sequence.Statements)
                        if (Find(part) is { } found) return found;
                    return null;
                default: return null;
            }
        }
    }

    /// <summary>Runs a slice of the parallel axis.</summary>
    /// <param name="buffers">Memory for the parameters, in order.</param>
    /// <param name="dims">Values of the dims, in order.</param>
    /// <param name="from">The start of the slice.</param>
    /// <param name="to">The end of the slice.</param>
    /// <returns>0, or the code of the <see cref="Fail"/> that ended it.</returns>
    /// <exception cref="InterpreterException">The program did what no program may do.</exception>
    public int Run(IReadOnlyList<Memory> buffers, IReadOnlyList<long> dims, long from, long to)
    {
        if (buffers.Count != _kernel.Parameters.Length) throw new ArgumentException($"{_kernel.Name} takes {_kernel.Parameters.Length} buffers.", nameof(buffers));
        if (dims.Count != _kernel.Dims.Length) throw new ArgumentException($"{_kernel.Name} takes {_kernel.Dims.Length} dims.", nameof(dims));
        Frame frame = _slots.NewFrame();
        frame.Indices[LoopCode.From] = from;
        frame.Indices[LoopCode.To] = to;
        for (int i = 0; i < dims.Count; i++) frame.Indices[LoopCode.FirstDim + i] = LoopCode.InRange(_kernel.Dims[i], dims[i]);
        for (int i = 0; i < buffers.Count; i++)
        {
            Parameter parameter = _kernel.Parameters[i];
            if (buffers[i].Element != parameter.Element)
                throw new ArgumentException($"{parameter.Name} is {parameter.Element.Name()}, not {buffers[i].Element.Name()}.", nameof(buffers));
            frame.Buffers[i] = new Address(buffers[i], 0);
        }

        try
        {
            _run(frame);
            return 0;
        }
        catch (KernelFailure failure)
        {
            return failure.Code;
        }
        catch (Exception e) when (e is InterpreterException or OverflowException or DivideByZeroException)
        {
            throw new InterpreterException($"{_kernel.Name}: {_compiler.Describe(frame.Execution.At, frame.Execution.Running)}: {e.Message}.", e);
        }
    }
}
