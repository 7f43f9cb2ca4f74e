using Microsoft.CodeAnalysis;

namespace Lathe.Generators.Analyzers;

/// <summary>The runtime's types as the analyzed project sees them.</summary>
/// <param name="request">The runtime's request, the base of all typed ones.</param>
internal sealed class KnownTypes(INamedTypeSymbol request)
{
    /// <summary>The types, or null in a project without the runtime.</summary>
    public static KnownTypes? Find(Compilation compilation) =>
        compilation.GetTypeByMetadataName("Lathe.Runtime.InferRequest") is { } request ? new(request) : null;

    /// <summary>True for the runtime's request and the typed ones.</summary>
    public bool IsRequest(ITypeSymbol? type)
    {
        for (; type is not null; type = type.BaseType)
            if (SymbolEqualityComparer.Default.Equals(type, request)) return true;
        return false;
    }
}
