using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Schedules;

/// <summary>A kernel in the final dialect and what a plan needs to call it.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Machine">What it was compiled for.</param>
/// <param name="Extent">The extent of its parallel axis, by the kernel's dims.</param>
/// <param name="ScratchBytes">The scratch memory that a thread needs, by the kernel's dims; aligned to 64 bytes by the caller.</param>
public sealed record ScheduledKernel(Kernel Kernel, Machine Machine, IndexExpr Extent, IndexExpr ScratchBytes);
