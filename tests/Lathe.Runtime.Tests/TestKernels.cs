namespace Lathe.Runtime.Tests;

/// <summary>Kernels as a compiler would emit them, by the numbers of <see cref="PlanVariant.Function"/>.</summary>
internal static unsafe class TestKernels
{
    public const int Scale = 0;
    public const int Add = 1;
    public const int Fail = 2;
    public const int Throw = 3;
    public const int Block = 4;
    public const int ScratchSum = 5;
    public const int Sleep = 6;
    public const int Count = 7;

    /// <summary>What <see cref="Block"/> kernels wait for.</summary>
    public static readonly ManualResetEventSlim Gate = new(true);

    /// <summary>Released by each <see cref="Block"/> kernel when it begins.</summary>
    public static readonly SemaphoreSlim Entered = new(0);

    public static nint Address(int index) => index switch
    {
        Scale => (nint)(delegate*<byte**, nint*, nint, nint, byte*, int>)&ScaleKernel,
        Add => (nint)(delegate*<byte**, nint*, nint, nint, byte*, int>)&AddKernel,
        Fail => (nint)(delegate*<byte**, nint*, nint, nint, byte*, int>)&FailKernel,
        Throw => (nint)(delegate*<byte**, nint*, nint, nint, byte*, int>)&ThrowKernel,
        Block => (nint)(delegate*<byte**, nint*, nint, nint, byte*, int>)&BlockKernel,
        ScratchSum => (nint)(delegate*<byte**, nint*, nint, nint, byte*, int>)&ScratchSumKernel,
        Sleep => (nint)(delegate*<byte**, nint*, nint, nint, byte*, int>)&SleepKernel,
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    /// <summary>buffers: y, x, factor; y[i] = x[i] * factor[0].</summary>
    private static int ScaleKernel(byte** buffers, nint* dims, nint from, nint to, byte* scratch)
    {
        float* y = (float*)buffers[0], x = (float*)buffers[1];
        float factor = *(float*)buffers[2];
        for (nint i = from; i < to; i++) y[i] = x[i] * factor;
        return 0;
    }

    /// <summary>buffers: y, a, b; y[i] = a[i] + b[i].</summary>
    private static int AddKernel(byte** buffers, nint* dims, nint from, nint to, byte* scratch)
    {
        float* y = (float*)buffers[0], a = (float*)buffers[1], b = (float*)buffers[2];
        for (nint i = from; i < to; i++) y[i] = a[i] + b[i];
        return 0;
    }

    private static int FailKernel(byte** buffers, nint* dims, nint from, nint to, byte* scratch) => 7;

    private static int ThrowKernel(byte** buffers, nint* dims, nint from, nint to, byte* scratch) => throw new InvalidOperationException("thrown");

    private static int BlockKernel(byte** buffers, nint* dims, nint from, nint to, byte* scratch)
    {
        Entered.Release();
        Gate.Wait();
        return 0;
    }

    private static int SleepKernel(byte** buffers, nint* dims, nint from, nint to, byte* scratch)
    {
        Thread.Sleep(40);
        return 0;
    }

    /// <summary>
    /// buffers: y, x; dims: rows, columns; y[r] = sum of x[r, ·], with the row's running sums written to and read back from scratch.
    /// </summary>
    private static int ScratchSumKernel(byte** buffers, nint* dims, nint from, nint to, byte* scratch)
    {
        float* y = (float*)buffers[0], x = (float*)buffers[1], sums = (float*)scratch;
        for (nint row = from; row < to; row++)
        {
            float sum = 0;
            for (nint column = 0; column < dims[1]; column++) sums[column] = sum += x[(row * dims[1]) + column] * 1.0001f;
            y[row] = sums[dims[1] - 1];
        }

        return 0;
    }
}
