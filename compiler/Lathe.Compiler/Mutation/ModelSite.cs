using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Lathe.Compiler.Onnx;

namespace Lathe.Compiler.Mutation;

/// <summary>A model that is being mutated, with what it may be mixed with.</summary>
internal sealed class ModelSite(ModelProto model, ModelProto donor, Random random)
{
    /// <summary>The model; mutations change it in place.</summary>
    public ModelProto Model => model;

    /// <summary>Another model; it is not changed, what is taken from it is cloned.</summary>
    public ModelProto Donor => donor;

    /// <summary>Decides everything.</summary>
    public Random Random => random;

    /// <summary>One of several; the default if there is none.</summary>
    public T? Pick<T>(IReadOnlyList<T> items) => items.Count == 0 ? default : items[random.Next(items.Count)];

    /// <summary>One of a model's messages of a type, wherever it is; null if there is none.</summary>
    public T? PickMessage<T>(ModelProto of)
        where T : class, IMessage => Pick([.. Descendants(of).OfType<T>()]);

    /// <summary>The name of one of the values that nodes, inputs and initialisers give a name to; null if there is none.</summary>
    public string? PickValue(GraphProto graph) => Pick(
    [
        .. graph.Node.SelectMany(node => node.Output), .. graph.Input.Select(input => input.Name), .. graph.Initializer.Select(tensor => tensor.Name),
    ]);

    /// <summary>A name that nothing in the model has.</summary>
    public string FreshName() => $"mutant_{random.Next():x8}";

    /// <summary>A message and all that are in it, outer ones first.</summary>
    public static IEnumerable<IMessage> Descendants(IMessage root)
    {
        Stack<IMessage> open = new([root]);
        while (open.TryPop(out IMessage? message))
        {
            yield return message;
            foreach (FieldDescriptor field in message.Descriptor.Fields.InFieldNumberOrder())
            {
                if (field.FieldType != FieldType.Message) continue;
                if (field.IsRepeated)
                {
                    foreach (IMessage element in (IEnumerable)field.Accessor.GetValue(message)) open.Push(element);
                }
                else if (field.Accessor.GetValue(message) is IMessage single)
                {
                    open.Push(single);
                }
            }
        }
    }

    /// <summary>A copy that shares nothing with the message.</summary>
    public static T Clone<T>(T message)
        where T : IMessage
    {
        // Mutants may be nested deeper than a file may be that is read.
        using CodedInputStream input = CodedInputStream.CreateWithLimits(new MemoryStream(message.ToByteArray()), int.MaxValue, int.MaxValue);
        return (T)message.Descriptor.Parser.ParseFrom(input);
    }
}
