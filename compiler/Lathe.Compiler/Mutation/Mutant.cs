namespace Lathe.Compiler.Mutation;

/// <summary>A model that was changed at random.</summary>
/// <param name="Model">The bytes of the file.</param>
/// <param name="Mutations">What was done to it, in order.</param>
public sealed record Mutant(byte[] Model, IReadOnlyList<string> Mutations);
