using Google.Protobuf;
using Lathe.Compiler.Mutation;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Tests.Onnx;
using static Lathe.Compiler.Tests.Onnx.ModelBuilder;

namespace Lathe.Compiler.Tests.Mutation;

[TestFixture]
internal sealed class MutatorTests
{
    private static readonly byte[] Model = new ModelBuilder().Input("x", "N", 4).Output("y")
        .Node("Gemm", ["x", "w"], ["g"], ("transB", 1L)).Node("Softmax", ["g"], ["y"], ("axis", 1L)).Initialiser(Floats("w", [2, 4], 1, 2, 3, 4, 5, 6, 7, 8))
        .Model.ToByteArray();

    private static readonly byte[] Donor = new ModelBuilder().Input("a", 2).Output("b").Node("Neg", ["a"], ["b"]).Model.ToByteArray();

    [Test]
    public void SameRandomNumbers_GiveTheSameMutant()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            Mutant one = Mutator.Mutate(Model, Donor, new Random(seed)), other = Mutator.Mutate(Model, Donor, new Random(seed));
            Assert.That(other.Model, Is.EqualTo(one.Model));
            Assert.That(other.Mutations, Is.EqualTo(one.Mutations));
        }
    }

    [Test]
    public void MutantsDiffer_AndHalfCanBeRead()
    {
        byte[][] mutants = [.. Enumerable.Range(0, 500).Select(seed => Mutator.Mutate(Model, Donor, new Random(seed)).Model)];
        Assert.That(mutants.Count(mutant => mutant.AsSpan().SequenceEqual(Model)), Is.LessThan(25));
        Assert.That(mutants.Select(Convert.ToHexString).Distinct().Count(), Is.GreaterThan(400));
        Assert.That(mutants.Count(IsModel), Is.InRange(250, 490));
    }

    [Test]
    public void Inputs_AreNotChanged()
    {
        byte[] model = [.. Model], donor = [.. Donor];
        for (int seed = 0; seed < 200; seed++) Mutator.Mutate(model, donor, new Random(seed));
        Assert.That(model, Is.EqualTo(Model));
        Assert.That(donor, Is.EqualTo(Donor));
    }

    [Test]
    public void WhatIsNoModel_IsMutatedToo()
    {
        foreach (byte[] bytes in (byte[][])[[], [1], [0xff, 0xff, 0xff]])
        {
            Mutant mutant = Mutator.Mutate(bytes, [], new Random(1));
            Assert.That(mutant.Mutations, Is.Not.Empty);
        }
    }

    private static bool IsModel(byte[] bytes)
    {
        try
        {
            return ModelProto.Parser.ParseFrom(bytes).Graph is not null;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }
}
