using Lathe.Kernels.Llvm;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime.Native;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Kernels of one machine, compiled by libLLVM and mapped as the runtime maps them.</summary>
public sealed class NativeKernels : CompiledKernels, IDisposable
{
    private readonly Dictionary<string, int> _entries = [];
    private readonly ExecutableMemory _memory;

    /// <summary>Compiles kernels whose names are distinct.</summary>
    public NativeKernels(Machine machine, IReadOnlyList<ScheduledKernel> kernels, bool useVnni = false)
    {
        CpuLevel level = CpuLevel.Of(machine.Isa, useVnni)!;
        Source = LlvmPrinter.Print(machine, level, [.. kernels.Select(k => k.Kernel)]);
        NativeCode code = NativeCode.Compile(machine, level, [.. kernels.Select(k => k.Kernel)]);
        for (int i = 0; i < kernels.Count; i++) _entries[kernels[i].Kernel.Name] = code.Entries[i];
        _memory = ExecutableMemory.TryMap(code.Code, code.Imports) ?? throw new InvalidOperationException("This system lets no process make code.");
    }

    /// <inheritdoc/>
    public override string Source { get; }

    /// <summary>Why native kernels of a machine cannot be made or run here, or null if they can.</summary>
    public static string? Unsupported(Machine machine) =>
        ObjectCompiler.Version is null ? "No libLLVM is installed." : CpuFeatures.CanRun(machine.Isa) ? null : $"This CPU has no {machine.Isa}.";

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    /// <inheritdoc/>
    public override unsafe Call Find(string name)
    {
        nint address = _memory.Address + _entries[name];
        return (buffers, dims, from, to, scratch) => ((delegate* unmanaged<byte**, nint*, nint, nint, byte*, int>)address)(buffers, dims, from, to, scratch);
    }
}
