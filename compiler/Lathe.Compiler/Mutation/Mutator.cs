using Google.Protobuf;
using Lathe.Compiler.Onnx;

namespace Lathe.Compiler.Mutation;

/// <summary>
/// Makes hostile models out of good ones: of the bytes, of the messages in them, and of what the messages mean. The same model, donor and
/// random numbers give the same mutant.
/// </summary>
public static class Mutator
{
    /// <summary>How often the bytes are mutated and not what they say: most such mutants do not get past the reader.</summary>
    private const double ShareOfBytes = 0.2;

    /// <summary>How often a mutation is looked for that the model has a place for.</summary>
    private const int Attempts = 20;

    /// <summary>Each as likely as the others; what names a single place is a row, so that rare places are hit too.</summary>
    private static readonly Func<ModelSite, string?>[] OfMessages =
    [
        FieldMutations.SetScalar, FieldMutations.SetScalar, FieldMutations.SetElement, FieldMutations.SetElement, FieldMutations.Insert,
        FieldMutations.Remove, FieldMutations.Duplicate, FieldMutations.Swap, FieldMutations.Clear, FieldMutations.Splice, FieldMutations.Splice,
        EdgeMutations.Rewire, EdgeMutations.Rewire, EdgeMutations.ShowInner, EdgeMutations.InputToInitializer, EdgeMutations.InitializerToInput,
        EdgeMutations.AddNode, EdgeMutations.RemoveNode, EdgeMutations.SpliceNode,
        NodeMutations.ChangeOperator, NodeMutations.SetAttribute, NodeMutations.SetAttribute, NodeMutations.SetAttribute, NodeMutations.SetOpset,
        TensorMutations.SetDim, TensorMutations.SetDim, TensorMutations.SetRank, TensorMutations.SetType, TensorMutations.Resize,
        TensorMutations.SetValues, TensorMutations.SetValues, TensorMutations.MakeExternal,
        NameMutations.Rename, NameMutations.NameDim,
        NestingMutations.CallItself, NestingMutations.CallsThatDouble, NestingMutations.BodiesInBodies, NestingMutations.Chain, NestingMutations.Grow,
    ];

    /// <summary>Mutates a model.</summary>
    /// <param name="model">The bytes of its file.</param>
    /// <param name="donor">Another model's, from which parts are taken.</param>
    /// <param name="random">Decides everything.</param>
    public static Mutant Mutate(byte[] model, byte[] donor, Random random)
    {
        List<string> done = [];
        // Mostly one: two mistakes hide each other.
        int count = random.NextDouble() switch { < 0.6 => 1, < 0.85 => 2, _ => 3 };
        bool bytes = random.NextDouble() < ShareOfBytes;
        if (!bytes && TryRead(model) is { } read && TryRead(donor) is { } other)
        {
            ModelSite site = new(read, other, random);
            for (int i = 0; i < count; i++)
            {
                for (int attempt = 0; attempt < Attempts; attempt++)
                {
                    if (OfMessages[random.Next(OfMessages.Length)](site) is not { } mutation) continue;
                    done.Add(mutation);
                    break;
                }
            }

            return new Mutant(read.ToByteArray(), done);
        }

        byte[] mutated = model;
        for (int i = 0; i < count; i++)
        {
            (mutated, string mutation) = ByteMutations.Apply(mutated, donor, random);
            done.Add(mutation);
        }

        return new Mutant(mutated, done);
    }

    private static ModelProto? TryRead(byte[] bytes)
    {
        try
        {
            ModelProto model = ModelProto.Parser.WithDiscardUnknownFields(true).ParseFrom(bytes);
            return model.Graph is null ? null : model;
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
