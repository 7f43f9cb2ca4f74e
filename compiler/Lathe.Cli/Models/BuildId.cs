using System.Reflection;
using System.Security.Cryptography;

namespace Lathe.Cli.Models;

/// <summary>What tells builds of the compiler apart: a hash over the identities of its assemblies, each of which is a hash of its content.</summary>
internal static class BuildId
{
    /// <summary>The hash.</summary>
    public static byte[] Bytes { get; } = Compute();

    private static byte[] Compute()
    {
        Assembly[] assemblies =
        [
            typeof(BuildId).Assembly,
            typeof(Compiler.Compilation).Assembly,
            typeof(Kernels.Loops.Layout).Assembly,
            typeof(Runtime.CompiledModel).Assembly,
            typeof(Microsoft.CodeAnalysis.CSharp.CSharpCompilation).Assembly,
        ];
        return SHA256.HashData([.. assemblies.SelectMany(assembly => assembly.ManifestModule.ModuleVersionId.ToByteArray())]);
    }
}
