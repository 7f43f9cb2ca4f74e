using Google.Protobuf.Collections;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Compiler.Onnx;

/// <summary>Which version of each operator set a model or function is written for.</summary>
internal sealed class OpsetTable
{
    /// <summary>The newest version of the standard operators whose definitions have been read.</summary>
    public const int Newest = 28;

    private readonly Dictionary<string, int> _versions = new(StringComparer.Ordinal);

    /// <summary>Reads the imports.</summary>
    /// <exception cref="DiagnosticException">A version is out of range, or a domain is imported twice.</exception>
    public OpsetTable(RepeatedField<OperatorSetIdProto> imports)
    {
        foreach (OperatorSetIdProto import in imports)
        {
            string domain = Normal(import.Domain);
            string shown = domain.Length == 0 ? "ai.onnx" : domain;
            if (import.Version is < 1 or > int.MaxValue) throw Unsupported("there is no such version");
            if (domain.Length == 0 && import.Version > Newest)
                throw Unsupported($"the newest that this version of Lathe knows is {Newest}");
            if (!_versions.TryAdd(domain, (int)import.Version) && _versions[domain] != import.Version) throw Unsupported("another version of it is imported too");

            DiagnosticException Unsupported(string reason) =>
                new(new Diagnostic(DiagnosticTable.UnsupportedOpset, null, shown, $"{import.Version}", reason));
        }
    }

    /// <summary>The version of a domain, or null if it is not imported.</summary>
    public int? Version(string domain) => _versions.TryGetValue(domain, out int version) ? version : null;

    /// <summary>The domain as Lathe writes it: the standard one is empty.</summary>
    public static string Normal(string domain) => domain == "ai.onnx" ? "" : domain;
}
