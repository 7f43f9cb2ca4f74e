using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Targets.CSharp;

/// <summary>
/// AVX-512 kernels on a machine that lacks AVX-512: for tests. .NET computes <c>Vector512</c> in software wherever it has to; the few intrinsics
/// beside it come from a file that is compiled into the kernels' assembly in place of the platform's class.
/// </summary>
public static class Avx512Emulation
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "Avx512F.cs";

    /// <summary>What kernels with the file need in place of <see cref="Isa.Avx512"/>.</summary>
    public const Isa Needs = Isa.Avx2;

    /// <summary>The file's text.</summary>
    public static string Source { get; } = Read();

    private static string Read()
    {
        using StreamReader reader = new(typeof(Avx512Emulation).Assembly.GetManifestResourceStream(FileName)!);
        return reader.ReadToEnd();
    }
}
