using Lathe.Compiler.Passes;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class FoldPaddingTests
{
    private static readonly IPass Pass = new FoldPadding();

    private static string Graph(string statements) =>
        $"graph \"g\" %x = input \"x\" : float32[1, 2, 6, 6] %r = Relu(%x) {statements} return \"y\" = %2";

    private static void Becomes(string pad, string window, string result) => PassAssert.Rewrites(Pass, Graph($"%1 = {pad} %2 = {window}"), Graph($"%2 = {result}"));

    private static void Stays(string pad, string window) => PassAssert.Keeps(Pass, Graph($"%1 = {pad} %2 = {window}"));

    private const string Weights = "float32[1, 2, 2, 2] {1, 2, 3, 4, 5, 6, 7, 8}", Pad = "{Pads=[0, 0, 1, 0, 0, 0, 2, 1]}";

    [Test]
    public void ZeroPadding_GoesIntoAConvolution()
    {
        Becomes($"Pad(%r) {Pad}", $"Conv(%1, {Weights})", $"Conv(%r, {Weights}) {{Pads=[1, 0, 2, 1]}}");
        Becomes(
            $"Pad(%r, float32[] {{0}}) {Pad}",
            $"Conv(%1, {Weights}) {{AutoPad=\"VALID\", Strides=[2, 2]}}",
            $"Conv(%r, {Weights}) {{Pads=[1, 0, 2, 1], Strides=[2, 2]}}");
        Becomes(
            $"Pad(%r) {Pad}",
            $"Conv(%1, {Weights}, float32[1] {{5}}) {{Pads=[1, 1, 1, 1]}}",
            $"Conv(%r, {Weights}, float32[1] {{5}}) {{Pads=[2, 1, 3, 2]}}");
    }

    [Test]
    public void OtherPadding_StaysBeforeAConvolution()
    {
        Stays($"Pad(%r, float32[] {{1}}) {Pad}", $"Conv(%1, {Weights})");
        Stays("Pad(%r) {Pads=[0, 0, 1, 1, 0, 0, 1, 1], Mode=\"reflect\"}", $"Conv(%1, {Weights})");
        Stays("Pad(%r) {Pads=[0, 0, -1, 0, 0, 0, 1, 0]}", $"Conv(%1, {Weights})");
        Stays("Pad(%r) {Pads=[1, 0, 1, 0, 0, 0, 1, 0]}", $"Conv(%1, {Weights})");
        Stays($"Pad(%r) {Pad}", $"Conv(%1, {Weights}) {{AutoPad=\"SAME_UPPER\"}}");
        Stays($"Pad(%r) {Pad}", $"Conv(%1, {Weights}, _, float32[2] {{1, 2}}) {{Pads=[1, 1, 1, 1]}}");
    }

    [Test]
    public void Padding_GoesIntoAMaximum_WhereItIsNone()
    {
        Becomes(
            $"Pad(%x, float32[] {{-inf}}) {Pad}",
            "MaxPool(%1) {KernelShape=[3, 2], Strides=[2, 2]}",
            "MaxPool(%x) {KernelShape=[3, 2], Pads=[1, 0, 2, 1], Strides=[2, 2]}");
        Becomes($"Pad(%r) {Pad}", "MaxPool(%1) {KernelShape=[3, 2]}", "MaxPool(%r) {KernelShape=[3, 2], Pads=[1, 0, 2, 1]}");
        Stays($"Pad(%x) {Pad}", "MaxPool(%1) {KernelShape=[3, 2]}");
        Stays($"Pad(%r) {Pad}", "MaxPool(%1) {KernelShape=[2, 2]}");
    }

    [Test]
    public void ZeroPadding_GoesIntoAnAverage_WhichCountsIt()
    {
        Becomes($"Pad(%x) {Pad}", "AveragePool(%1) {KernelShape=[3, 2]}", "AveragePool(%x) {CountIncludePad=true, KernelShape=[3, 2], Pads=[1, 0, 2, 1]}");
        Becomes(
            $"Pad(%x) {Pad}",
            "AveragePool(%1) {CountIncludePad=true, KernelShape=[3, 2], Pads=[1, 1, 0, 0]}",
            "AveragePool(%x) {CountIncludePad=true, KernelShape=[3, 2], Pads=[2, 1, 2, 1]}");
        Stays($"Pad(%x) {Pad}", "AveragePool(%1) {KernelShape=[3, 2], Pads=[1, 1, 0, 0]}");
        Stays($"Pad(%x) {Pad}", "AveragePool(%1) {KernelShape=[3, 2], CeilMode=true, Strides=[2, 2]}");
    }
}
